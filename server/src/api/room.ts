// Owns what the api tells about a space from its state: the room document and the row in the list. Pure.

import type { ListedSpace, RoomDocument } from "@hustings/wire/room.ts";
import { MAX_LISTED_SPACES } from "@hustings/wire/room.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import type { HeldSpace } from "./stage-client.ts";

/** The room document of `space` as it was at `asOfUtcMs`. */
export function roomDocumentOf({ id, state, audience }: HeldSpace, stagePort: number, asOfUtcMs: number): RoomDocument {
  return {
    id,
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
    listen: ROUTES.listen(id),
    stage: { path: ROUTES.stage(id), port: stagePort },
    asOfUtcMs,
    stale: false,
  };
}

/** What is live, most listeners first, at most `MAX_LISTED_SPACES`. */
export function listedSpacesOf(spaces: readonly HeldSpace[]): readonly ListedSpace[] {
  const live = spaces.filter(({ state }) => state.phase === "live");
  const rows = live.map(({ id, state, audience }) => ({
    id,
    title: state.title,
    phase: state.phase,
    host: state.host?.name ?? "",
    speakersCount: state.seats.length,
    audience,
    liveUtcMs: state.liveUtcMs ?? null,
  }));
  return rows.sort((a, b) => b.audience - a.audience).slice(0, MAX_LISTED_SPACES);
}
