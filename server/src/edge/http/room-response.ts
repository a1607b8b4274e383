// The room document from an edge's memory.

import { type RoomDocument, roomDocumentOf } from "@hustings/wire/listen/room-document.ts";
import type { FollowedSpace } from "../../replica/followed-space.ts";
import type { Admission } from "../admission/admission.ts";

/** Served for a second, and while a new one is fetched. */
export const ROOM_CACHE = "public, max-age=1, stale-while-revalidate=30";

export interface RoomContext {
  readonly stagePort: number;
  readonly pullUrl?: string | undefined;
  readonly admission: Pick<Admission, "tier" | "queue">;
}

export function edgeRoomDocument(
  followed: FollowedSpace,
  { stagePort, pullUrl, admission }: RoomContext,
): RoomDocument {
  const { space, replica, audience, asOfUtcMs, isAway } = followed;
  const { tier, queue } = admission;
  const server = { stagePort, asOfUtcMs, stale: isAway, tier, queue, pullUrl };
  return roomDocumentOf({ id: space, state: replica.state, audience, lag: replica.lag }, server);
}

/** Changes with everything but `asOfUtcMs`. */
export function roomEtag({ replica, audience, isAway }: FollowedSpace, { admission }: RoomContext): string {
  const { tier, queue } = admission;
  const suffix = tier === "push" ? "" : `-${tier}-${queue.count}-${queue.estimateMs}`;
  return `W/"${replica.state.seq}-${audience}${isAway ? "-stale" : ""}${suffix}${lagKey(replica)}"`;
}

function lagKey({ lag }: FollowedSpace["replica"]): string {
  return lag === undefined ? "" : `-${lag.medianMs}-${lag.slowestMs}`;
}
