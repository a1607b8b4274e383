import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { listFiles } from "../house/reading/tree.ts";
import { longFiles, noCounts, passes, selectTests, sum, verdict } from "./selection.ts";

const paths = ["wire/ids.test.ts", "media/mix/mixer.test.ts", "media/mix/mixer.ts", "test/e2e/stage.test.ts"];
const livePaths = [
  "listener/playout/playback.e2e.test.ts",
  "test/e2e/stage.test.ts",
  "test/faults/kills.test.ts",
  "server/src/stage/peer/webrtc-peer-port.test.ts",
];

test("selects every *.test.ts without a filter", () => {
  assert.deepEqual(selectTests(paths, []), ["media/mix/mixer.test.ts", "test/e2e/stage.test.ts", "wire/ids.test.ts"]);
});

test("selects the tests whose path contains one of the filters", () => {
  assert.deepEqual(selectTests(paths, ["media", "ids"]), ["media/mix/mixer.test.ts", "wire/ids.test.ts"]);
});

test("runs tests of whole servers, browsers and peers after all others, a few at a time", () => {
  const light = ["test/bench/latency/chirp.test.ts", "test/house/words/names.test.ts"];
  const [first, second] = passes([...light, ...livePaths], 8);
  assert.deepEqual([first?.files, first?.concurrency], [light, 8]);
  assert.deepEqual([second?.files, second?.concurrency], [livePaths, 4]);
  assert.equal(passes(livePaths, 2)[1]?.concurrency, 2);
});

test("runs the test that measures a page's playback after all others, one at a time", () => {
  const playback = "listener/player/playback.e2e.test.ts";
  const [, second, third] = passes([...livePaths, playback], 8);
  assert.deepEqual(second?.files, livePaths);
  assert.deepEqual([third?.files, third?.concurrency], [[playback], 1]);
});

test("starts the files that take longest first, and each file once", () => {
  const [longest = "", long = ""] = longFiles;
  const files = ["test/e2e/a.test.ts", long, longest, "test/e2e/z.test.ts"];
  assert.deepEqual(passes(files, 2)[1]?.files, [longest, long, "test/e2e/a.test.ts", "test/e2e/z.test.ts"]);
});

test("every file that is named as long exists", () => {
  const existing = listFiles(fileURLToPath(new URL("../..", import.meta.url)));
  assert.deepEqual(
    longFiles.filter((file) => !existing.includes(file)),
    [],
  );
});

test("a run is good when tests ran and all passed, and its last line is the sum of the passes", () => {
  const counts = sum({ ...noCounts, passed: 3 }, { ...noCounts, passed: 2 });
  assert.deepEqual(verdict(counts), { isGood: true, lines: ["5 passed, 0 failed"] });
});

test("a run with a failure, a skipped test, a test to do, or no test at all is not good", () => {
  const one = { ...noCounts, passed: 1 };
  for (const counts of [noCounts, { ...one, failed: 1 }, { ...one, skipped: 1 }, { ...one, todo: 1 }]) {
    const { isGood, lines } = verdict(counts);
    assert.equal(isGood, false);
    assert.equal(lines.at(-1), `${counts.passed} passed, ${counts.failed} failed`);
  }
});
