import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_MOMENT_BYTES } from "../log/moment-window.ts";
import { createRecentMoments, KEPT_MOMENT_BYTES, KEPT_MOMENTS } from "./recent-moments.ts";

const moment = (seq: number, slot = seq, text = "") => ({ kind: "comment", text, seq, slot, utcMs: 0 });
const seqs = (entries: readonly { readonly seq: number }[]) => entries.map(({ seq }) => seq);

test("keeps the newest moments within a limit of their number and of their bytes", () => {
  const many = createRecentMoments();
  for (let seq = 1; seq <= KEPT_MOMENTS + 50; seq++) many.add(moment(seq), 0);
  assert.equal(many.after(0, Infinity).length, KEPT_MOMENTS);
  assert.deepEqual([many.newestSeq, many.droppedSlot], [KEPT_MOMENTS + 50, 50]);
  const long = createRecentMoments();
  for (let seq = 1; seq <= KEPT_MOMENTS; seq++) long.add(moment(seq, seq, "x".repeat(1_900)), 0);
  const kept = long.after(0, Infinity);
  assert.ok(JSON.stringify(kept).length < KEPT_MOMENT_BYTES + kept.length + 2);
  assert.equal(kept.at(-1)?.seq, KEPT_MOMENTS);
});

test("drops a moment that came before and one that is too long", () => {
  const moments = createRecentMoments();
  assert.equal(moments.add(moment(2), 0), true);
  assert.equal(moments.add(moment(2), 0), false);
  assert.equal(moments.add(moment(1), 0), false);
  assert.equal(moments.add(moment(3, 3, "x".repeat(MAX_MOMENT_BYTES)), 0), false);
  assert.deepEqual(seqs(moments.after(0, Infinity)), [2]);
});

test("gives the moments after a cursor or between slots, the newest that fit", () => {
  const moments = createRecentMoments();
  for (let seq = 1; seq <= 9; seq++) moments.add(moment(seq, seq * 10), 0);
  assert.deepEqual(seqs(moments.after(6, Infinity)), [7, 8, 9]);
  assert.deepEqual(seqs(moments.after(9, Infinity)), []);
  assert.deepEqual(seqs(moments.between(20, 40, Infinity)), [2, 3]);
  const two = Buffer.byteLength(JSON.stringify([moment(2, 20), moment(3, 30)])) + 1;
  assert.deepEqual(seqs(moments.between(10, 40, two)), [2, 3]);
  assert.deepEqual(seqs(moments.between(10, 40, two - 1)), [3]);
});

test("places a moment behind the one before it, whatever slot it names", () => {
  const moments = createRecentMoments();
  moments.add(moment(1, 35), 0);
  moments.add(moment(2, 12), 0);
  moments.add(moment(3, 12), 50);
  assert.deepEqual(seqs(moments.between(10, 20, Infinity)), []);
  assert.deepEqual(seqs(moments.between(30, 40, Infinity)), [1, 2]);
  assert.deepEqual(seqs(moments.between(50, 60, Infinity)), [3]);
});
