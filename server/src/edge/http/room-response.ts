// Owns the room document as an edge answers it from memory. Refuses to ask anyone.

import { type RoomDocument, roomDocumentOf } from "@hustings/wire/listen/room-document.ts";
import type { Following } from "../../replica/followed-space.ts";
import type { Admission } from "../admission/admission.ts";
import type { LoadWatch } from "../load/load-watch.ts";

/** Browsers and CDNs may give a room document out for a second, and an old one while they ask for a new one. */
export const ROOM_CACHE = "public, max-age=1, stale-while-revalidate=30";

/** What a room document says of the door itself. */
export interface RoomDoor {
  readonly stagePort: number;
  /** Of a CDN that carries HLS. */
  readonly pullUrl?: string | undefined;
  readonly admission: Pick<Admission, "tier" | "line">;
  readonly cadences: Pick<LoadWatch, "usualLagMs">;
}

export function roomOf(following: Following, { stagePort, pullUrl, admission, cadences }: RoomDoor): RoomDocument {
  const { space, kept, audience, asOfUtcMs, isAway } = following;
  const { tier, line } = admission;
  const view = { stagePort, asOfUtcMs, stale: isAway, tier, line, pullUrl, lagMs: cadences.usualLagMs };
  return roomDocumentOf({ id: space, state: kept.state, audience }, view);
}

/** Changes whenever anything but `asOfUtcMs` does. */
export function roomTag({ kept, audience, isAway }: Following, { admission, cadences }: RoomDoor): string {
  const { tier, line } = admission;
  const door = tier === "push" ? "" : `-${tier}-${line.count}-${line.estimateMs}`;
  return `W/"${kept.state.seq}-${audience}${isAway ? "-stale" : ""}${door}-${cadences.usualLagMs}"`;
}
