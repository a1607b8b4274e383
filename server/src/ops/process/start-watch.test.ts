import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { SILENT } from "../logger.ts";
import { STALL_MS, watchStart } from "./start-watch.ts";

function begin() {
  const clock = manualClock();
  const lines: string[] = [];
  const log = { ...SILENT, info: (_: object, line: string) => void lines.push(line) };
  const watch = watchStart({ title: "edge 0", clock, log });
  let end: string | undefined;
  watch.done.then(
    () => {
      end = "ready";
    },
    (cause: Error) => {
      end = cause.message;
    },
  );
  return { clock, lines, watch, end: () => end };
}

test("waits an hour for a process that works, and says every ten seconds what it is doing", async () => {
  const { clock, lines, watch, end } = begin();
  for (let second = 1; second <= 3_600; second++) {
    await clock.advanceAsync(1_000);
    watch.progress({ step: "resumes its spaces", workMs: second * 5 });
  }
  assert.equal(end(), undefined);
  assert.equal(lines.length, 360);
  assert.equal(lines[0], "The edge 0 is still starting and resumes its spaces.");
  watch.ready();
  await clock.advanceAsync(60_000);
  assert.deepEqual([end(), lines.length, clock.waitingCount], ["ready", 360, 0]);
});

test("gives up a process that does nothing any more, and names the step", async () => {
  const { clock, watch, end } = begin();
  watch.progress({ step: "opens the door", workMs: 900 });
  for (let waitedMs = 0; waitedMs < STALL_MS - 1_000; waitedMs += 1_000) {
    await clock.advanceAsync(1_000);
    watch.progress({ step: "opens the door", workMs: 1_000 });
  }
  assert.equal(end(), undefined);
  await clock.advanceAsync(1_000);
  assert.equal(end(), "The edge 0 did nothing for 180 s of its start; it opens the door.");
  assert.equal(clock.waitingCount, 0);
});

test("a process that reports nothing at all is given up as well, and a failure ends the watch", async () => {
  const silent = begin();
  await silent.clock.advanceAsync(STALL_MS);
  assert.match(silent.end() ?? "", /did nothing for 180 s of its start; it loads its program/);
  const failed = begin();
  failed.watch.fail("The port is taken.");
  await failed.clock.advanceAsync(STALL_MS);
  assert.equal(failed.end(), "The port is taken.");
  assert.deepEqual(failed.lines, []);
});
