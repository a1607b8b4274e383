import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_STATE, type StateEntry } from "@hustings/wire/log/state.ts";
import { KEPT_ENTRIES } from "../log/recent-entries.ts";
import { createSpaceReplica } from "./space-replica.ts";
import { fragmentOf } from "./testing/fake-upstream.ts";

const title = (seq: number, slot = 0) => ({ kind: "title", title: `${seq}`, seq, slot, utcMs: 0 }) as StateEntry;

test("drops a record that arrives twice or out of order", () => {
  const replica = createSpaceReplica({ state: EMPTY_STATE, nextSlot: 0 });
  const sound = (slot: number) => replica.apply({ lane: "sound", rendition: "32", slot, bytes: fragmentOf(slot) });
  assert.equal(sound(3), true);
  assert.equal(sound(3), false);
  assert.equal(sound(2), false);
  assert.equal(replica.apply({ lane: "state", entry: title(1) }), true);
  assert.equal(replica.apply({ lane: "state", entry: title(1) }), false);
  assert.equal(replica.state.seq, 1);
});

test("resumes from the rendition that is furthest behind", () => {
  const replica = createSpaceReplica({ state: EMPTY_STATE, nextSlot: 5 });
  assert.deepEqual(replica.cursor(), { nextSlot: 5, stateSeq: 0, momentSeq: 0 });
  replica.apply({ lane: "sound", rendition: "32", slot: 9, bytes: fragmentOf(9) });
  replica.apply({ lane: "sound", rendition: "16", slot: 8, bytes: fragmentOf(8) });
  assert.equal(replica.cursor().nextSlot, 9);
});

test("continues from a snapshot, and drops one that is not newer", () => {
  const replica = createSpaceReplica({ state: { ...EMPTY_STATE, seq: 10 }, nextSlot: 0 });
  replica.apply({ lane: "state", entry: title(11) });
  assert.equal(replica.apply({ lane: "snapshot", state: { ...EMPTY_STATE, title: "Far on", seq: 5_000 } }), true);
  assert.equal(replica.apply({ lane: "snapshot", state: { ...EMPTY_STATE, title: "Old", seq: 5_000 } }), false);
  assert.deepEqual([replica.state.title, replica.cursor().stateSeq], ["Far on", 5_000]);
  assert.equal(replica.entriesAfter(10), undefined, "a listener with an older state needs the snapshot, too");
  replica.apply({ lane: "state", entry: title(5_001) });
  assert.deepEqual(
    replica.entriesAfter(5_000)?.map(({ seq }) => seq),
    [5_001],
  );
});

test("keeps a bounded number of entries, and returns none when some are missing", () => {
  const replica = createSpaceReplica({ state: { ...EMPTY_STATE, seq: 10 }, nextSlot: 0 });
  assert.equal(replica.entriesAfter(9), undefined);
  assert.deepEqual(replica.entriesAfter(10), []);
  for (let seq = 11; seq <= 10 + KEPT_ENTRIES + 5; seq++) replica.apply({ lane: "state", entry: title(seq) });
  assert.equal(replica.entriesAfter(10), undefined);
  assert.equal(replica.entriesAfter(15)?.length, KEPT_ENTRIES);
  assert.equal(replica.entriesAfter(10 + KEPT_ENTRIES + 4)?.[0]?.seq, 10 + KEPT_ENTRIES + 5);
  replica.apply({ lane: "state", entry: title(2_000) });
  assert.equal(replica.entriesAfter(1_990), undefined);
});

test("counts only slots that the log declares absent", () => {
  const replica = createSpaceReplica({ state: EMPTY_STATE, nextSlot: 0 });
  replica.apply({ lane: "state", entry: { kind: "absence", from: 5, to: 8, seq: 1, slot: 5, utcMs: 0 } });
  replica.apply({ lane: "state", entry: { kind: "gap", from: 8, to: 90, seq: 2, slot: 8, utcMs: 0 } });
  assert.equal(replica.isAbsent(5, 90), true);
  assert.equal(replica.isAbsent(4, 8), false);
  assert.equal(replica.isAbsent(80, 91), false);
});
