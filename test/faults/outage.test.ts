// Cuts a listener's network for 5 s and for 20 s (listener/SPEC.md B7 and B8, docs/latency.md).

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { SAMPLE_RATE_HZ, SLOT_MS } from "../../wire/units.ts";
import { type LiveSpace, startLiveSpace } from "../testing/fake-speaker.ts";
import { openCuttableProxy } from "../testing/faulty-network.ts";
import { assertUndisturbed, type RecordingListener, startListening } from "../testing/recording-listener.ts";
import { type RunningServer, startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";

interface Outage {
  readonly listener: RecordingListener;
  /** The newest slot before the cut. */
  readonly lastSlot: number;
  /** From the end of the cut until the listener followed again. */
  readonly backMs: number;
}

/** Cuts the network for `cutMs`; resolves four seconds of sound after it. */
async function liveThrough(server: RunningServer, live: LiveSpace, cutMs: number): Promise<Outage> {
  await using proxy = await openCuttableProxy(server.doorUrl);
  using listener = await startListening(server, live.space, proxy.url);
  proxy.cut();
  const lastSlot = listener.lastSlot;
  await pause(cutMs);
  proxy.restore();
  const restoredMs = performance.now();
  await until(
    "the listener to be back",
    () => listener.lastSlot > lastSlot && listener.headless.session.link === "following",
  );
  const backMs = performance.now() - restoredMs;
  await listener.hearsMore(20);
  return { listener, lastSlot, backMs };
}

function heardAtMs({ written }: RecordingListener, slot: number): number | undefined {
  const found = written.find((one) => one.slot === slot);
  return found && (found.atSamples * 1000) / SAMPLE_RATE_HZ;
}

test("a listener hears every word late after 5 s without a network, and skips what was missed after 20 s; others are not disturbed", async (t) => {
  await using server = await startServer();
  using live = await startLiveSpace(server, "Outages");
  using other = await startListening(server, live.space);
  const [short, long] = await Promise.all([liveThrough(server, live, 5_000), liveThrough(server, live, 20_000)]);
  assertUndisturbed(other, "the other listener");

  const { listener } = short;
  const stats = listener.headless.stats();
  assert.deepEqual(listener.headless.faults, []);
  assert.deepEqual([stats.skippedSlots, stats.jumps, listener.breaks.length], [0, 0, 0], "nothing skipped after 5 s");
  const [before, first] = [heardAtMs(listener, short.lastSlot), heardAtMs(listener, short.lastSlot + 1)];
  const lateMs = (first ?? 0) - (before ?? 0) - SLOT_MS;
  t.diagnostic(
    `5 s: back ${Math.round(short.backMs)} ms after the network, words ${Math.round(lateMs)} ms late, ${stats.gaps} gaps`,
  );
  assert.ok(lateMs >= 4_000 && lateMs < 5_000 + short.backMs + 1_000, `late by ${lateMs} ms`);

  const far = long.listener.headless.stats();
  assert.deepEqual(long.listener.headless.faults, []);
  const skipped = long.listener.breaks.filter(([, , why]) => why !== "gap");
  const skippedMs = skipped.reduce((sum, [from, to]) => sum + (to - from) * SLOT_MS, 0);
  t.diagnostic(
    `20 s: back ${Math.round(long.backMs)} ms after the network, ${skippedMs} ms skipped in ${far.jumps} jump(s), lag now ${Math.round(far.lagMs)} ms`,
  );
  assert.equal(far.jumps, 1);
  assert.equal(far.skippedSlots * SLOT_MS, skippedMs);
  const [[from = 0] = []] = skipped;
  assert.equal(from, long.lastSlot + 1, "the oldest missed slots");
  assert.ok(
    skipped.length === 1 && skippedMs >= 17_000 && skippedMs <= 22_000 + long.backMs,
    `${skippedMs} ms skipped`,
  );
  assert.ok(far.lagMs < 3_000, `lands near the head: ${far.lagMs} ms`);
});
