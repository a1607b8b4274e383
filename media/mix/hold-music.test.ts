import assert from "node:assert/strict";
import { test } from "node:test";
import { HOLD_MUSIC_SAMPLES, holdMusicPcm } from "./hold-music.ts";
import { integratedLufs } from "./loudness.ts";

const loop = holdMusicPcm();

test("the loop lasts 20 s and is quiet throughout", () => {
  assert.equal(loop.length, HOLD_MUSIC_SAMPLES);
  assert.ok(Math.abs(integratedLufs(loop) + 28) < 0.5);
  assert.ok(loop.every((sample) => Math.abs(sample) < 0.5));
});

test("the loop is the same on every run", () => {
  assert.deepEqual(holdMusicPcm(), loop);
});

test("the step from the end of the loop to its start is no greater than the steps beside it", () => {
  const steps = Array.from({ length: 4800 }, (_, index) => {
    const at = (loop.length - 2400 + index) % loop.length;
    return Math.abs((loop[(at + 1) % loop.length] ?? 0) - (loop[at] ?? 0));
  });
  const seam = steps[2399] ?? 1;
  assert.ok(seam <= Math.max(...steps.slice(0, 2399)));
  assert.ok(Math.max(...steps) < 0.02);
});

test("the loop is never silent for a tenth of a second", () => {
  for (let at = 0; at < loop.length; at += 4800) {
    assert.ok(
      loop.subarray(at, at + 4800).some((sample) => Math.abs(sample) > 0.003),
      `${at}`,
    );
  }
});
