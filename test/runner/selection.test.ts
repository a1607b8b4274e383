import assert from "node:assert/strict";
import { test } from "node:test";
import { noCounts, passes, selectTests, sum, verdict } from "./selection.ts";

const paths = ["wire/ids.test.ts", "media/mix/mixer.test.ts", "media/mix/mixer.ts", "test/e2e/stage.test.ts"];
const heavyPaths = [
  "listener/player/playback.e2e.test.ts",
  "test/e2e/stage.test.ts",
  "test/venue.test.ts",
  "server/src/stage/peer/webrtc-peer-port.test.ts",
];

test("selects every *.test.ts without a filter", () => {
  assert.deepEqual(selectTests(paths, []), ["media/mix/mixer.test.ts", "test/e2e/stage.test.ts", "wire/ids.test.ts"]);
});

test("selects the tests whose path contains one of the filters", () => {
  assert.deepEqual(selectTests(paths, ["media", "ids"]), ["media/mix/mixer.test.ts", "wire/ids.test.ts"]);
});

test("runs tests of whole servers, browsers and peers one by one after all others", () => {
  const [light, heavy] = passes(["test/house/words/names.test.ts", ...heavyPaths]);
  assert.deepEqual(light?.files, ["test/house/words/names.test.ts"]);
  assert.equal(light?.isSerial, false);
  assert.deepEqual(heavy?.files, heavyPaths);
  assert.equal(heavy?.isSerial, true);
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
