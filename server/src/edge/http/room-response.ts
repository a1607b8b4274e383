// The room document from an edge's memory.

import { type RoomDocument, roomDocumentOf } from "@hustings/wire/listen/room-document.ts";
import type { FollowedSpace } from "../../replica/followed-space.ts";
import type { Admission } from "../admission/admission.ts";
import type { LoadWatch } from "../load/load-watch.ts";

/** Served for a second, and while a new one is fetched. */
export const ROOM_CACHE = "public, max-age=1, stale-while-revalidate=30";

export interface RoomContext {
  readonly stagePort: number;
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

/** Changes with everything but `asOfUtcMs`. */
export function roomEtag({ replica, audience, isAway }: FollowedSpace, { admission, loadWatch }: RoomContext): string {
  const { tier, queue } = admission;
  const suffix = tier === "push" ? "" : `-${tier}-${queue.count}-${queue.estimateMs}`;
  return `W/"${replica.state.seq}-${audience}${isAway ? "-stale" : ""}${suffix}-${loadWatch.usualLagMs}"`;
}
