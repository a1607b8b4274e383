// Proves, on a whole server with real sockets, that an operator can slow an edge's pushes down and speed them up again
// while people listen, and that none of them misses a word.

import assert from "node:assert/strict";
import { test } from "node:test";
import { atCadence, setCadence } from "../testing/edge-cadence.ts";
import { startLiveSpace } from "../testing/fake-speaker.ts";
import { assertUndisturbed, startListening } from "../testing/recording-listener.ts";
import { startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";

const EARS = 12;
/** At 0.96 it takes 53 s to hold what 1 s needs; a busy machine takes longer. */
const MOVED_MS = 150_000;

test("twelve people are moved from 0.2 to 1 s and back on a live edge, and hear every slot", async (t) => {
  await using server = await startServer({ edges: 1 });
  using live = await startLiveSpace(server, "Slower, and faster");
  await using all = new AsyncDisposableStack();
  const listeners = await Promise.all(Array.from({ length: EARS }, () => startListening(server, live.space)));
  for (const one of listeners) all.use(one);
  await setCadence(server, "1000");
  await until("all to be at 1 s", async () => (await atCadence(server))[2] === EARS, MOVED_MS);
  await Promise.all(listeners.map((one) => one.hearsMore(20)));
  const newcomer = all.use(await startListening(server, live.space));
  assert.equal(newcomer.headless.stats().cadenceMs, 1_000, "a newcomer begins there");
  t.diagnostic(`at 1 s, ${listeners[0]?.headless.stats().lagMs} ms behind`);
  await setCadence(server, "200");
  await until("all to be at 0.2 s", async () => (await atCadence(server))[0] === EARS + 1, MOVED_MS);
  await Promise.all(listeners.map((one) => one.hearsMore(20)));
  for (const one of [...listeners, newcomer]) assertUndisturbed(one, "one of twelve");
  t.diagnostic(`waited ${Math.max(...listeners.map((one) => one.waitedMs()))} ms`);
});

test("a server that is started with a cadence keeps to it, and what is none is refused", async () => {
  await using server = await startServer({ edges: 1, args: ["--cadence", "2"] });
  using live = await startLiveSpace(server, "Every two seconds");
  using listener = await startListening(server, live.space);
  assert.equal(listener.headless.stats().cadenceMs, 2_000);
  assert.equal((await setCadence(server, "300")).statusCode, 404);
  assert.equal((await setCadence(server, "auto")).statusCode, 200);
});
