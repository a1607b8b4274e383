// Proves, on a whole server with real sockets, that an operator can slow an edge's pushes down and speed them up again
// while people listen, and that none of them misses a word.

import assert from "node:assert/strict";
import { test } from "node:test";
import { atCadence, setCadence } from "../support/edge-cadence.ts";
import { openVenue } from "../support/running-server.ts";
import { until } from "../support/until.ts";
import { assertUndisturbed, listen } from "./ears.ts";
import { openStage } from "./talker.ts";

const EARS = 12;
/** At 0.96 it takes 53 s to hold what 1 s needs; a busy machine takes longer. */
const MOVED_MS = 150_000;

test("twelve people are moved from 0.2 to 1 s and back on a live edge, and hear every slot", async (t) => {
  await using venue = await openVenue({ edges: 1 });
  using stage = await openStage(venue, "Slower, and faster");
  await using all = new AsyncDisposableStack();
  const ears = await Promise.all(Array.from({ length: EARS }, () => listen(venue, stage.space)));
  for (const one of ears) all.use(one);
  await setCadence(venue, "1000");
  await until("all to be at 1 s", async () => (await atCadence(venue))[2] === EARS, MOVED_MS);
  await Promise.all(ears.map((one) => one.hearsMore(20)));
  const newcomer = all.use(await listen(venue, stage.space));
  assert.equal(newcomer.listener.stats().cadenceMs, 1_000, "a newcomer begins there");
  t.diagnostic(`at 1 s, ${ears[0]?.listener.stats().lagMs} ms behind`);
  await setCadence(venue, "200");
  await until("all to be at 0.2 s", async () => (await atCadence(venue))[0] === EARS + 1, MOVED_MS);
  await Promise.all(ears.map((one) => one.hearsMore(20)));
  for (const one of [...ears, newcomer]) assertUndisturbed(one, "one of twelve");
  t.diagnostic(`waited ${Math.max(...ears.map((one) => one.waitedMs()))} ms`);
});

test("a server that is started with a cadence keeps to it, and what is none is refused", async () => {
  await using venue = await openVenue({ edges: 1, args: ["--cadence", "2"] });
  using stage = await openStage(venue, "Every two seconds");
  using ears = await listen(venue, stage.space);
  assert.equal(ears.listener.stats().cadenceMs, 2_000);
  assert.equal((await setCadence(venue, "300")).statusCode, 404);
  assert.equal((await setCadence(venue, "auto")).statusCode, 200);
});
