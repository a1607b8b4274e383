import assert from "node:assert/strict";
import { test } from "node:test";
import type { SpaceId } from "@hustings/wire/ids.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import { EMPTY_STATE } from "@hustings/wire/log/state.ts";
import { viewOf } from "./space-view.ts";

const SPEAKER = { seat: 0, name: "Ada", role: "speaker", muted: false, present: true } as const;
const ROOM: RoomDocument = {
  id: "0000000000" as SpaceId,
  title: "room",
  phase: "live",
  host: "Ada",
  speakers: [SPEAKER, SPEAKER],
  handsCount: 0,
  handsOpen: true,
  air: "voice",
  holdReason: null,
  recording: "on",
  audience: 1,
  createdUtcMs: 0,
  liveUtcMs: 0,
  endReason: undefined,
  tier: "push",
  pull: null,
  lagMs: null,
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

test("gives two people with one name different keys", () => {
  assert.deepEqual(
    viewOf({ stage: undefined, ear: undefined, room: ROOM })?.people.map(({ key }) => key),
    ["Ada#1", "Ada#2"],
  );
});
