import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { gatherChanges, matters } from "./dev.ts";

test("sources matter to a server in development; tests, builds and what editors leave behind do not", () => {
  const sources = ["flow/ticker.ts", "web/App.svelte", "cli/bin/launch.mjs", "media/voices/anna.opus"];
  const others = [
    "wire/ids.test.ts",
    "web/dist/assets/a.js",
    "web/node_modules/x/y.ts",
    "web/.App.svelte.swp",
    "wire/4913",
  ];
  assert.ok(sources.every(matters));
  assert.deepEqual(others.filter(matters), []);
});

test("many changes at once are one, told when they are over; what comes later is another", async () => {
  const clock = manualClock();
  using changes = gatherChanges(clock);
  let told = 0;
  const hear = async () => {
    await changes.next();
    told += 1;
  };
  const first = hear();
  for (let n = 0; n < 10; n += 1) {
    changes.tell("wire/ids.ts");
    await clock.advanceAsync(200);
  }
  assert.equal(told, 0);
  await clock.advanceAsync(200);
  await first;
  changes.tell("web/App.svelte");
  await clock.advanceAsync(400);
  await hear();
  assert.equal(told, 2);
});
