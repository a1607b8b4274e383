import assert from "node:assert/strict";
import { test } from "node:test";
import { bursts, lostLevelErrorDb, randomLoss, segmentalSnrDb } from "./packet-loss.ts";

const COUNT = 200_000;
const lostOf = (isLost: (n: number) => boolean) => Array.from({ length: COUNT }, (_, n) => isLost(n));
const shareOf = (lost: readonly boolean[]) => lost.filter(Boolean).length / lost.length;

test("loses the requested share of packets, and the same packets for the same seed", () => {
  assert.ok(Math.abs(shareOf(lostOf(randomLoss(0.1, 1))) - 0.1) < 0.005);
  assert.ok(Math.abs(shareOf(lostOf(bursts(0.05, 3, 1))) - 0.05) < 0.004);
  assert.deepEqual(lostOf(randomLoss(0.1, 2)), lostOf(randomLoss(0.1, 2)));
  assert.notDeepEqual(lostOf(randomLoss(0.1, 2)), lostOf(randomLoss(0.1, 3)));
});

test("bursts have the requested length, or a multiple of it", () => {
  const runs = lostOf(bursts(0.05, 3, 4))
    .map((lost) => (lost ? "x" : " "))
    .join("")
    .trim()
    .split(/ +/);
  assert.ok(runs.length > 1000 && runs.every((run) => run.length % 3 === 0));
});

test("segmental SNR is 35 dB for the same sound and 0 dB for silence, and counts only frames of speech", () => {
  const tone = Float32Array.from({ length: 9_600 }, (_, n) => 0.3 * Math.sin(n / 10));
  assert.equal(segmentalSnrDb(tone, tone), 35);
  assert.ok(Math.abs(segmentalSnrDb(tone, new Float32Array(tone.length))) < 1e-6);
  const half = tone.slice();
  half.fill(0, 4_800);
  assert.equal(segmentalSnrDb(half, half), 35);
});

test("the level error of lost frames is 0 for the same sound, and over 40 dB for silence", () => {
  const tone = Float32Array.from({ length: 96_000 }, (_, n) => 0.3 * Math.sin(n / 10));
  const isLost = (n: number) => n % 4 === 0;
  assert.equal(lostLevelErrorDb(tone, tone, isLost), 0);
  assert.ok(lostLevelErrorDb(tone, new Float32Array(tone.length), isLost) > 40);
});
