import assert from "node:assert/strict";
import { test } from "node:test";
import { CHIRP_KINDS, chirps } from "./chirp.ts";
import { CHIRP_EVERY_MS, latenessesMs } from "./chirp-latency.ts";

const PER_MS = 48;

test("measures the delay of each chirp, and does not take another chirp for a lost one", () => {
  const said = chirps(CHIRP_KINDS * 2, CHIRP_EVERY_MS * PER_MS);
  const lateMs = 570;
  const pcm = new Float32Array(said.length + 3_000 * PER_MS);
  pcm.set(said, lateMs * PER_MS);
  const lost = 3;
  const lostAt = (lost * CHIRP_EVERY_MS + lateMs) * PER_MS;
  pcm.fill(0, lostAt, lostAt + 100 * PER_MS);
  const heard = latenessesMs({ pcm, beganMs: 1_000 }, (n) => 1_000 + n * CHIRP_EVERY_MS);
  for (let n = 0; n < CHIRP_KINDS * 2; n += 1) {
    const ms = heard[n];
    if (n === lost) assert.equal(ms, undefined);
    else assert.ok(ms !== undefined && Math.abs(ms - lateMs) < 1, `chirp ${n}: ${ms}`);
  }
});

test("skips chirps that were spoken before the recording began", () => {
  const pcm = new Float32Array(4_000 * PER_MS);
  const heard = latenessesMs({ pcm, beganMs: 10_000 }, (n) => n * CHIRP_EVERY_MS);
  assert.equal(heard.length, 3);
});
