// Owns the room document and the list of live spaces as an edge answers them from memory. Refuses to ask anyone.

import type { ListedSpace, RoomDocument } from "@hustings/wire/room.ts";
import { MAX_LISTED_SPACES } from "@hustings/wire/room.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import type { Following } from "./following.ts";
import type { StageSpace } from "./upstream.ts";

/** Browsers and CDNs may give a room document out for a second, and an old one while they ask for a new one. */
export const ROOM_CACHE = "public, max-age=1, stale-while-revalidate=30";

export function roomOf({ space, kept, audience, asOfUtcMs, isAway }: Following, stagePort: number): RoomDocument {
  const { state } = kept;
  return {
    id: space,
    title: state.title,
    phase: state.phase,
    host: state.host?.name ?? "",
    speakers: state.seats.map(({ name, role, muted, present }) => ({ name, role, muted, present })),
    handsCount: state.hands.length,
    air: state.air,
    holdReason: state.holdReason ?? null,
    recording: state.recording,
    audience,
    createdUtcMs: state.originUtcMs,
    liveUtcMs: state.liveUtcMs ?? null,
    tier: "push",
    listen: ROUTES.listen(space),
    stage: { path: ROUTES.stage(space), port: stagePort },
    asOfUtcMs,
    stale: isAway,
  };
}

/** Changes whenever anything but `asOfUtcMs` does. */
export function roomTag({ kept, audience, isAway }: Following): string {
  return `W/"${kept.state.seq}-${audience}${isAway ? "-stale" : ""}"`;
}

/** What is live, most listeners first. */
export function listedOf(spaces: readonly StageSpace[]): readonly ListedSpace[] {
  return spaces
    .filter(({ state }) => state.phase === "live")
    .sort((a, b) => b.audience - a.audience)
    .slice(0, MAX_LISTED_SPACES)
    .map(({ id, state, audience }) => ({
      id,
      title: state.title,
      phase: state.phase,
      host: state.host?.name ?? "",
      speakersCount: state.seats.length,
      audience,
      liveUtcMs: state.liveUtcMs ?? null,
    }));
}
