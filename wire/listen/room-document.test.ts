import assert from "node:assert/strict";
import { test } from "node:test";
import type { MeasuredSpace } from "../api/space-shape.ts";
import type { PersonId, SpaceId } from "../ids.ts";
import { EMPTY_STATE, type SpaceState } from "../log/state.ts";
import { LISTED_SPACE_SCHEMA, listedSpacesOf, ROOM_DOCUMENT_SCHEMA, roomDocumentOf } from "./room-document.ts";

const id = "0123456789" as SpaceId;
const person = "0123456789ab" as PersonId;
const server = { stagePort: 7000, asOfUtcMs: 2, stale: false };
const live: SpaceState = {
  ...EMPTY_STATE,
  title: "Harbour",
  host: { person, name: "Ada" },
  phase: "live",
  originUtcMs: 1,
  liveUtcMs: 5,
  hands: [{ person, name: "Cy" }],
  seats: [{ seat: 3, person, name: "Ada", role: "host", muted: true, mutedBy: "self", present: true }],
};

test("the room document has the fields of its schema, in that order, and no ids of people", () => {
  const document = roomDocumentOf({ id, state: live, audience: 7, lag: { medianMs: 3_000, slowestMs: 9_000 } }, server);
  assert.deepEqual(Object.keys(document), ROOM_DOCUMENT_SCHEMA["required"]);
  assert.deepEqual(document.speakers, [{ seat: 3, name: "Ada", role: "host", muted: true, present: true }]);
  assert.deepEqual(
    [document.host, document.handsCount, document.audience, document.lagMs, document.slowLagMs],
    ["Ada", 1, 7, 3_000, 9_000],
  );
  assert.ok(!JSON.stringify(document).includes(person));
});

test("the room document of an unknown state has a value for every field", () => {
  const document = roomDocumentOf({ id, state: EMPTY_STATE, audience: 0 }, server);
  assert.ok(Object.values(document).every((value) => value !== undefined));
  assert.deepEqual([document.host, document.lagMs, document.liveUtcMs, document.tier], ["", null, null, "push"]);
});

test("the room document names the HLS address only while the tier is pull", () => {
  const at = (tier: "push" | "pull" | "waiting") =>
    roomDocumentOf({ id, state: live, audience: 7 }, { ...server, tier, pullUrl: "https://cdn.example" }).pull;
  assert.deepEqual([at("push"), at("pull"), at("waiting")], [null, `https://cdn.example/hls/${id}/index.m3u8`, null]);
});

test("pages ask for the room document less often while every place is taken", () => {
  const again = (tier: "push" | "waiting") =>
    roomDocumentOf({ id, state: live, audience: 7 }, { ...server, tier }).again;
  assert.ok(again("waiting").afterMs > again("push").afterMs);
});

test("lists a space whose host is away last, and counts only the people who are on its stage", () => {
  const away: SpaceState = { ...live, seats: live.seats.map((seat) => ({ ...seat, present: false })) };
  const rows = listedSpacesOf([
    { id, state: away, audience: 1_000 },
    { id, state: live, audience: 2 },
  ]);
  assert.deepEqual(
    rows.map(({ audience, hostPresent, speakersCount }) => [audience, hostPresent, speakersCount]),
    [
      [2, true, 1],
      [1_000, false, 0],
    ],
  );
});

test("lists the live spaces, most listeners first, at most 100", () => {
  const space = (audience: number, state: SpaceState): MeasuredSpace => ({ id, state, audience });
  const rows = listedSpacesOf([
    space(1_000, EMPTY_STATE),
    ...Array.from({ length: 120 }, (_, audience) => space(audience, live)),
  ]);
  assert.equal(rows.length, 100);
  assert.deepEqual(Object.keys(rows[0] ?? {}), LISTED_SPACE_SCHEMA["required"]);
  assert.deepEqual([rows[0]?.audience, rows[99]?.audience, rows[0]?.speakersCount], [119, 20, 1]);
});
