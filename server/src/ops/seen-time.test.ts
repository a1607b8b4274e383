import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type ManualClock, manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { CONFIRM_MS, createSeenClock, openSeenTime } from "./seen-time.ts";

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "hustings-seen-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

test("goes with the time that passes, and not with a clock that is set", () => {
  const clock = manualClock();
  const startMs = clock.utcMs();
  const seen = createSeenClock(clock, startMs);
  clock.advance(HOUR_MS);
  assert.equal(seen(), startMs + HOUR_MS);
  clock.setUtcMs(startMs + YEAR_MS);
  assert.equal(seen(), startMs + HOUR_MS);
  clock.setUtcMs(startMs);
  assert.equal(seen(), startMs, "never ahead of the clock");
  clock.setUtcMs(startMs + 2 * HOUR_MS);
  assert.equal(seen(), startMs + HOUR_MS);
});

test("believes a clock that ran for a day without a step, and begins again after each step", () => {
  const clock = manualClock();
  const seen = createSeenClock(clock, Number.NEGATIVE_INFINITY);
  const run = (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += HOUR_MS) {
      clock.advance(HOUR_MS);
      seen();
    }
  };
  run(CONFIRM_MS - HOUR_MS);
  assert.equal(seen(), Number.NEGATIVE_INFINITY);
  clock.setUtcMs(clock.utcMs() + YEAR_MS);
  run(CONFIRM_MS - HOUR_MS);
  assert.equal(seen(), Number.NEGATIVE_INFINITY);
  run(2 * HOUR_MS);
  assert.equal(seen(), clock.utcMs());
});

test("continues after a restart from the time that was saved, however wrong the clock is then", async (t) => {
  const directory = await folder(t);
  const first: ManualClock = manualClock();
  const startMs = first.utcMs();
  {
    await using seen = await openSeenTime(directory, first);
    first.advance(5 * HOUR_MS);
    assert.equal(seen.utcMs(), startMs + 5 * HOUR_MS);
  }
  await using again = await openSeenTime(directory, manualClock(startMs + YEAR_MS));
  assert.equal(again.utcMs(), startMs + 5 * HOUR_MS);
  assert.equal(JSON.parse(await readFile(join(directory, "seen-time.json"), "utf8")).utcMs, startMs + 5 * HOUR_MS);
});

test("does not believe the clock at first on a data directory that has spaces and no saved time", async (t) => {
  for (const saved of [undefined, "nonsense", '{"utcMs":"1"}']) {
    const directory = await folder(t);
    await mkdir(join(directory, "spaces", "7239kk6r3c"), { recursive: true });
    if (saved !== undefined) await writeFile(join(directory, "seen-time.json"), saved);
    await using seen = await openSeenTime(directory, manualClock());
    assert.equal(seen.utcMs(), Number.NEGATIVE_INFINITY, String(saved));
  }
});
