import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { PersonId, SpaceId } from "../ids.ts";
import { foldAll, foldState, MAX_HANDS, MAX_SNAPSHOT_BYTES, type StateChange, type StateEntry } from "./state.ts";

const person = (n: number): PersonId => `p${String(n).padStart(11, "0")}` as PersonId;
const space = "s000000001" as SpaceId;

function lane(...changes: StateChange[]): StateEntry[] {
  return changes.map((change, i) => ({ ...change, seq: i + 1, slot: i * 10, utcMs: 1_800_000_000_000 + i * 2000 }));
}

const created: StateChange = {
  kind: "created",
  id: space,
  title: "Harbour",
  host: person(1),
  hostName: "Ada",
  originUtcMs: 1_800_000_000_000,
};
const seated = (seat: number): StateChange => ({
  kind: "seated",
  seat,
  person: person(seat),
  name: `P${seat}`,
  role: "speaker",
});

test("a space is created, goes live and ends, and keeps the slot of each", () => {
  const state = foldAll(lane(created, { kind: "live" }, { kind: "ended" }));
  assert.equal(state.phase, "ended");
  assert.equal(state.liveSlot, 10);
  assert.equal(state.endedSlot, 20);
  assert.equal(state.endReason, "host");
  assert.equal(foldAll(lane(created, { kind: "live" }, { kind: "ended", why: "empty" })).endReason, "empty");
  assert.equal(state.title, "Harbour");
  assert.deepEqual(state.host, { person: person(1), name: "Ada" });
});

test("a space remembers the first twenty names with an open microphone on air, also after its end", () => {
  const on = (seat: number, name = `P${seat}`): StateChange[] => [
    { ...seated(seat), name } as StateChange,
    { kind: "present", seat, present: true },
    { kind: "muted", seat, muted: false, by: "self" },
  ];
  const before = foldAll(lane(created, ...on(1), seated(2), { kind: "present", seat: 2, present: true }));
  assert.deepEqual(before.spoke, []);
  const entries = lane(created, ...on(1), seated(2), { kind: "live" }, { kind: "left", seat: 1, why: "stepped-down" });
  assert.deepEqual(foldAll(entries).spoke, ["P1"]);
  const again = lane(created, { kind: "live" }, ...on(1), ...on(3, "P1"), ...on(2), { kind: "ended" });
  assert.deepEqual(foldAll(again).spoke, ["P1", "P2"]);
  const many = Array.from({ length: 25 }, (_, n) => on(n % 20, `Q${n}`)).flat();
  assert.deepEqual(
    foldAll(lane(created, { kind: "live" }, ...many)).spoke,
    Array.from({ length: 20 }, (_, n) => `Q${n}`),
  );
});

test("a newly seated person is muted and not present, and has no hand or invitation left", () => {
  const state = foldAll(
    lane(
      created,
      { kind: "hand", person: person(3), name: "Cy", up: true },
      { kind: "invited", person: person(3), name: "Cy" },
      seated(3),
    ),
  );
  assert.deepEqual(state.seats, [
    { seat: 3, person: person(3), name: "P3", role: "speaker", muted: true, mutedBy: "self", present: false },
  ]);
  assert.deepEqual(state.hands, []);
  assert.deepEqual(state.invites, []);
});

test("one person never has two seats, and one seat never two people", () => {
  const moved: StateChange = { kind: "seated", seat: 5, person: person(3), name: "P3", role: "speaker" };
  const state = foldAll(lane(created, seated(3), moved, { ...moved, person: person(4) }));
  assert.deepEqual(
    state.seats.map(({ seat, person: who }) => [seat, who]),
    [[5, person(4)]],
  );
});

test("hands keep the order in which they were raised, and an invitation lowers the hand", () => {
  const up = (n: number): StateChange => ({ kind: "hand", person: person(n), name: `H${n}`, up: true });
  const state = foldAll(lane(created, up(2), up(9), up(4), up(2), { kind: "invited", person: person(9), name: "H9" }));
  assert.deepEqual(
    state.hands.map((hand) => hand.person),
    [person(2), person(4)],
  );
  assert.deepEqual(
    state.invites.map((invite) => invite.person),
    [person(9)],
  );
});

test("closing the hands keeps those that are up, and a space begins with open hands", () => {
  const up: StateChange = { kind: "hand", person: person(2), name: "H2", up: true };
  assert.equal(foldAll(lane(created)).handsOpen, true);
  const closed = foldAll(lane(created, up, { kind: "hands", open: false }));
  assert.deepEqual([closed.handsOpen, closed.hands.length], [false, 1]);
  assert.equal(foldAll(lane(created, { kind: "hands", open: false }, { kind: "hands", open: true })).handsOpen, true);
});

test("ignores an entry that was folded before, so a page may receive entries twice", () => {
  const entries = lane(created, seated(3), { kind: "muted", seat: 3, muted: false, by: "self" }, { kind: "live" });
  const once = foldAll(entries);
  assert.equal(foldAll(entries, once), once);
});

test("an entry of an unknown kind changes only seq", () => {
  const state = foldAll(lane(created));
  const next = foldState(state, { kind: "confetti", seq: 2, slot: 1, utcMs: 1 } as unknown as StateEntry);
  assert.deepEqual(next, { ...state, seq: 2 });
});

test("the fullest state with the longest names fits into a snapshot", () => {
  const name = "🎙".repeat(60);
  const changes: StateChange[] = [{ ...created, title: "T".repeat(120) }];
  for (let seat = 0; seat < 20; seat++)
    changes.push({ kind: "seated", seat, person: person(seat), name, role: "speaker" });
  changes.push({ kind: "live" });
  for (let seat = 0; seat < 20; seat++) {
    changes.push({ kind: "seated", seat, person: person(seat), name: `${name.slice(4)}${seat}`, role: "speaker" });
    changes.push({ kind: "present", seat, present: true }, { kind: "muted", seat, muted: false, by: "self" });
  }
  for (let n = 0; n < MAX_HANDS * 2; n++)
    changes.push({ kind: "hand", person: person(100 + n), name: "N".repeat(60), up: true });
  for (let n = 0; n < 50; n++) changes.push({ kind: "invited", person: person(300 + n), name: "N".repeat(60) });
  for (let n = 0; n < 100; n++) {
    changes.push({ kind: "anchor", anchorSlot: 4_000_000_000 + n, anchorUtcMs: 1_800_000_000_000 + n });
    changes.push(
      { kind: "absence", from: 4_000_000_000 + n, to: 4_000_000_001 + n },
      { kind: "gap", from: 4_000_000_000 + n, to: 4_000_000_001 + n },
    );
  }
  assert.ok(Buffer.byteLength(JSON.stringify(foldAll(lane(...changes)))) <= MAX_SNAPSHOT_BYTES);
});

test("folding a lane in two parts gives the same state as folding it at once", () => {
  const change: fc.Arbitrary<StateChange> = fc.oneof(
    fc.record({
      kind: fc.constant("seated" as const),
      seat: fc.nat(19),
      person: fc.nat(30).map(person),
      name: fc.string(),
      role: fc.constant("speaker" as const),
    }),
    fc.record({ kind: fc.constant("left" as const), seat: fc.nat(19), why: fc.constant("timeout" as const) }),
    fc.record({
      kind: fc.constant("muted" as const),
      seat: fc.nat(19),
      muted: fc.boolean(),
      by: fc.constantFrom("self" as const, "host" as const),
    }),
    fc.record({
      kind: fc.constant("hand" as const),
      person: fc.nat(30).map(person),
      name: fc.string(),
      up: fc.boolean(),
    }),
    fc.record({ kind: fc.constant("present" as const), seat: fc.nat(19), present: fc.boolean() }),
    fc.constantFrom<StateChange>({ kind: "live" }, { kind: "ended" }, { kind: "air", air: "voice" }),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), fc.nat(60), (changes, at) => {
      const entries = lane(created, ...changes);
      const whole = foldAll(entries);
      assert.deepEqual(foldAll(entries.slice(at), foldAll(entries.slice(0, at))), whole);
      assert.equal(new Set(whole.seats.map((seat) => seat.seat)).size, whole.seats.length);
      assert.equal(new Set(whole.seats.map((seat) => seat.person)).size, whole.seats.length);
    }),
  );
});
