import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { affectsServer, gatherChanges } from "./dev.ts";

test("restarts for changed sources, not for tests, builds and temporary files of editors", () => {
  const sources = ["flow/ticker.ts", "web/App.svelte", "cli/bin/launch.mjs", "media/voices/anna.opus"];
  const others = [
    "wire/ids.test.ts",
    "web/dist/assets/a.js",
    "web/node_modules/x/y.ts",
    "web/.App.svelte.swp",
    "wire/4913",
  ];
  assert.ok(sources.every(affectsServer));
  assert.deepEqual(others.filter(affectsServer), []);
});

test("reports a burst of changes once, when it is over, and a later change again", async () => {
  const clock = manualClock();
  using changes = gatherChanges(clock);
  let reports = 0;
  const nextReport = async () => {
    await changes.next();
    reports += 1;
  };
  const first = nextReport();
  for (let n = 0; n < 10; n += 1) {
    changes.add("wire/ids.ts");
    await clock.advanceAsync(200);
  }
  assert.equal(reports, 0);
  await clock.advanceAsync(200);
  await first;
  changes.add("web/App.svelte");
  await clock.advanceAsync(400);
  await nextReport();
  assert.equal(reports, 2);
});
