// Owns the room document as an edge answers it from memory. Refuses to ask anyone.

import { type RoomDocument, roomDocumentOf } from "@hustings/wire/room.ts";
import type { Following } from "./following.ts";

/** Browsers and CDNs may give a room document out for a second, and an old one while they ask for a new one. */
export const ROOM_CACHE = "public, max-age=1, stale-while-revalidate=30";

export function roomOf({ space, kept, audience, asOfUtcMs, isAway }: Following, stagePort: number): RoomDocument {
  return roomDocumentOf({ id: space, state: kept.state, audience }, { stagePort, asOfUtcMs, stale: isAway });
}

/** Changes whenever anything but `asOfUtcMs` does. */
export function roomTag({ kept, audience, isAway }: Following): string {
  return `W/"${kept.state.seq}-${audience}${isAway ? "-stale" : ""}"`;
}
