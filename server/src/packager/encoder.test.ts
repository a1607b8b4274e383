// Tests of ffmpeg's runs: one is started ahead while requests come, and every run ends.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { AAC_FRAME_SAMPLES } from "@hustings/media/container/aac.ts";
import { until } from "../../../test/testing/until.ts";
import { AHEAD_MS, startAacEncoder } from "./encoder.ts";

const FRAMES = 8;
const pcm = Float32Array.from({ length: FRAMES * AAC_FRAME_SAMPLES }, (_, i) => Math.sin(i / 10) / 4);

/** Processes that this one has started and that have not ended. */
function children(): number {
  const isChild = (id: string): boolean => {
    try {
      const [state, parent] = readFileSync(`/proc/${id}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
      return state !== "Z" && Number(parent) === process.pid;
    } catch {
      return false;
    }
  };
  return readdirSync("/proc").filter((id) => /^\d+$/.test(id) && isChild(id)).length;
}

test("starts a run ahead after each stretch, gives the same bytes with it, and ends it after a while", async () => {
  const clock = manualClock();
  using encoder = await startAacEncoder({ clock });
  assert.equal(encoder.isAhead, false);
  const first = await encoder.encode(pcm);
  assert.equal(first.length, FRAMES + 1);
  assert.equal(encoder.isAhead, true);
  clock.advance(AHEAD_MS - 1);
  assert.deepEqual(await encoder.encode(pcm), first);
  clock.advance(AHEAD_MS - 1);
  assert.equal(encoder.isAhead, true);
  clock.advance(1);
  assert.equal(encoder.isAhead, false);
  await until("the run to end", () => children() === 0);
  assert.deepEqual(await encoder.encode(pcm), first);
});

test("encodes two stretches at once, however many are requested", async () => {
  using encoder = await startAacEncoder({ clock: manualClock() });
  const asked = Array.from({ length: 6 }, () => encoder.encode(pcm));
  let most = 0;
  const look = setInterval(() => {
    most = Math.max(most, children());
  }, 1);
  const made = await Promise.all(asked);
  clearInterval(look);
  for (const one of made) assert.deepEqual(one, made[0]);
  assert.ok(most <= 3, `${most} at once, with the one that waits`);
});

test("refuses one stretch more than may wait, and ends all runs when it is disposed of", async () => {
  const encoder = await startAacEncoder({ clock: manualClock() });
  const asked = Array.from({ length: 259 }, () =>
    encoder.encode(pcm).then(
      () => "made",
      (cause: { readonly code: string }) => cause.code,
    ),
  );
  assert.equal(await asked.at(-1), "full");
  encoder[Symbol.dispose]();
  await asked[0];
  await until("all runs to end", () => children() === 0);
  assert.deepEqual(new Set(await Promise.all(asked)), new Set(["full", "internal"]));
});

test("reports a missing program in one sentence", async () => {
  const started = startAacEncoder({ clock: manualClock(), command: "there-is-no-such-program" });
  await assert.rejects(started, /needs the program ffmpeg/);
});
