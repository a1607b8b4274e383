import assert from "node:assert/strict";
import { test } from "node:test";
import type { EarState } from "@hustings/listener/playout/ear-states.ts";
import type { LinkState } from "@hustings/listener/session/link-states.ts";
import { documentOf } from "@hustings/wire/api/document-fields.ts";
import { ROOM_SPACE_FIELDS } from "@hustings/wire/api/space-shape.ts";
import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import { EMPTY_STATE, type SpaceState } from "@hustings/wire/log/state.ts";
import { heardViewOf, viewOf } from "./space-view.ts";

const SPEAKER = { seat: 0, name: "Ada", role: "speaker", muted: false, present: true } as const;
const ROOM: RoomDocument = {
  id: "0000000000" as SpaceId,
  title: "room",
  phase: "live",
  host: "Ada",
  speakers: [SPEAKER, SPEAKER],
  spoke: [],
  handsCount: 0,
  handsOpen: true,
  air: "voice",
  holdReason: null,
  recording: "on",
  audience: 1,
  createdUtcMs: 0,
  liveUtcMs: 0,
  endedUtcMs: null,
  endReason: null,
  tier: "push",
  pull: null,
  lagMs: null,
  slowLagMs: null,
  line: { count: 0, estimateMs: null },
  again: { afterMs: 4_000, spreadMs: 2_000 },
  listen: "/listen/0000000000",
  stage: { path: "/stage/0000000000", port: 8444 },
  asOfUtcMs: 0,
  stale: false,
};
const named = (title: string, seq = 1) => ({ state: { ...EMPTY_STATE, title, seq }, audience: 1 });

test("prefers the stage while seated, then the listener's connection once it has a state, then the room document", () => {
  assert.equal(viewOf({ stage: undefined, ear: undefined, room: undefined }), undefined);
  assert.equal(viewOf({ stage: named("stage"), ear: named("ear"), room: ROOM })?.title, "stage");
  assert.equal(viewOf({ stage: undefined, ear: named("ear"), room: ROOM })?.title, "ear");
  assert.equal(viewOf({ stage: undefined, ear: named("", 0), room: ROOM })?.title, "room");
});

test("shows the same space from its state as from its room document", () => {
  const seat = { ...SPEAKER, person: "p00000000000" as PersonId, mutedBy: "self" } as const;
  const host = { person: seat.person, name: "Ada" };
  const state: SpaceState = { ...EMPTY_STATE, id: ROOM.id, title: "room", phase: "live", host, seats: [seat], seq: 1 };
  const shared = documentOf(ROOM_SPACE_FIELDS, { id: ROOM.id, state, audience: 7 });
  const fromState = viewOf({ stage: undefined, ear: { state, audience: 7 }, room: undefined });
  const fromRoom = viewOf({ stage: undefined, ear: undefined, room: { ...ROOM, ...shared } });
  for (const name of Object.keys(shared) as (keyof typeof shared)[]) {
    // The page knows its own id, and people are compared below.
    if (name === "speakers" || name === "id" || name === "lagMs" || name === "slowLagMs") continue;
    assert.deepEqual(Reflect.get(fromState ?? {}, name), Reflect.get(fromRoom ?? {}, name), name);
  }
  assert.deepEqual(fromState?.people, [{ ...seat, key: "Ada#1" }]);
  assert.deepEqual(fromRoom?.people, [{ ...seat, person: undefined, key: "Ada#1" }]);
  assert.deepEqual([fromState?.hostPerson, fromRoom?.hostPerson], [host.person, undefined]);
});

test("gives two people with one name different keys", () => {
  assert.deepEqual(
    viewOf({ stage: undefined, ear: undefined, room: ROOM })?.people.map(({ key }) => key),
    ["Ada#1", "Ada#2"],
  );
});

test("a listener who is behind goes on in a live space until they have heard its end", () => {
  const over = { state: { ...EMPTY_STATE, seq: 9, phase: "ended" }, audience: 1 } as const;
  const phaseAt = (link: LinkState, ear: EarState) =>
    [
      { stage: undefined, ear: over, room: ROOM },
      { stage: undefined, ear: undefined, room: { ...ROOM, phase: "ended" } as const },
    ].map((sources) => heardViewOf(sources, link, ear)?.phase);
  assert.deepEqual(phaseAt("following", "playing"), ["live", "live"]);
  assert.deepEqual(phaseAt("ended", "low"), ["live", "live"]);
  assert.deepEqual(phaseAt("following", "filling"), ["live", "live"]);
  assert.deepEqual(phaseAt("ended", "finished"), ["ended", "ended"]);
  assert.deepEqual(phaseAt("waiting-retry", "filling"), ["ended", "ended"], "nothing is on its way");
  assert.deepEqual(phaseAt("idle", "idle"), ["ended", "ended"]);
});
