// Owns the room document as an edge answers it from memory. Refuses to ask anyone.

import { type RoomDocument, roomDocumentOf } from "@hustings/wire/listen/room-document.ts";
import type { FollowedSpace } from "../../replica/followed-space.ts";
import type { Admission } from "../admission/admission.ts";
import type { LoadWatch } from "../load/load-watch.ts";

/** Browsers and CDNs may give a room document out for a second, and an old one while they ask for a new one. */
export const ROOM_CACHE = "public, max-age=1, stale-while-revalidate=30";

/** What a room document says of the door itself. */
export interface RoomContext {
  readonly stagePort: number;
  /** Of a CDN that carries HLS. */
  readonly pullUrl?: string | undefined;
  readonly admission: Pick<Admission, "tier" | "queue">;
  readonly loadWatch: Pick<LoadWatch, "usualLagMs">;
}

export function edgeRoomDocument(
  followed: FollowedSpace,
  { stagePort, pullUrl, admission, loadWatch }: RoomContext,
): RoomDocument {
  const { space, replica, audience, asOfUtcMs, isAway } = followed;
  const { tier, queue } = admission;
  const server = { stagePort, asOfUtcMs, stale: isAway, tier, queue, pullUrl };
  return roomDocumentOf({ id: space, state: replica.state, audience, lagMs: loadWatch.usualLagMs }, server);
}

/** Changes whenever anything but `asOfUtcMs` does. */
export function roomEtag({ replica, audience, isAway }: FollowedSpace, { admission, loadWatch }: RoomContext): string {
  const { tier, queue } = admission;
  const door = tier === "push" ? "" : `-${tier}-${queue.count}-${queue.estimateMs}`;
  return `W/"${replica.state.seq}-${audience}${isAway ? "-stale" : ""}${door}-${loadWatch.usualLagMs}"`;
}
