// Kills every process of a server during a live space, and starts it again with another clock.

import assert from "node:assert/strict";
import { test } from "node:test";
import { presence } from "../../media/measure/correlate.ts";
import type { Fragment } from "../../wire/log/fragment.ts";
import { end, inviteFakeSpeaker, startLiveSpace } from "../testing/fake-speaker.ts";
import { assertWhole, type RecordingListener, startListening } from "../testing/recording-listener.ts";
import { type RunningServer, startServer } from "../testing/running-server.ts";
import { readRecording, soundLane } from "../testing/stored-space.ts";
import { until } from "../testing/until.ts";

/** Sound is sent first and stored within a second. */
const LAST_SECOND_SLOTS = 5;

async function killEverything(server: RunningServer): Promise<void> {
  const pids = await Promise.all(["stage", "api", "edge-0"].map(server.pidOf));
  await Promise.all([server.parentPid, ...pids].map(server.kill));
}

for (const offsetMs of [30_000, -30_000]) {
  const clock = `a clock ${Math.abs(offsetMs) / 1000} s ${offsetMs > 0 ? "fast" : "slow"}`;
  test(`a live space goes on after all processes are killed and started again with ${clock}`, async (t) => {
    await using server = await startServer();
    using live = await startLiveSpace(server, "Through a restart");
    using ben = await inviteFakeSpeaker(server, live, "Ben", "ben");
    using listener = await startListening(server, live.space);
    await listener.hearsMore(10);
    const { host, space } = live;
    await host.speaker.command({ do: "mute", seat: ben.speaker.seat, muted: true });
    await killEverything(server);
    const lastSlot = listener.lastSlot;
    await server.restart({ HUSTINGS_UTC_OFFSET_MS: String(offsetMs) });
    const startedMs = performance.now();

    const { headless } = listener;
    await until(
      "both speakers to be on the stage again",
      () => host.connections > 1 && ben.connections > 1 && ben.isSeated,
    );
    await until("a voice on air again", () => headless.state.air === "voice" && listener.lastSlot > lastSlot);
    t.diagnostic(`speakers and listeners were back ${Math.round(performance.now() - startedMs)} ms after the start`);
    const seat = headless.state.seats.find((one) => one.seat === ben.speaker.seat);
    assert.deepEqual([seat?.muted, seat?.mutedBy], [true, "host"], "muted just before the kill, muted after it");
    assert.equal(headless.state.seats.find((one) => one.role === "host")?.muted, false);
    await listener.hearsMore(20);

    assert.equal(headless.stats().jumps, 0, "absent slots put nobody behind");
    assertWhole(listener, "the listener");
    assert.equal(headless.session.order.duplicates, 0, "no slot came twice");
    const [, anchor] = headless.state.anchors;
    assert.ok(anchor && anchor.slot > lastSlot, `the second start began at ${anchor?.slot}, ${lastSlot} was heard`);
    const lane = await soundLane(server, space);
    const lostCount = assertStored(listener, lane, lastSlot);
    t.diagnostic(
      `heard and not stored: ${lostCount} slots; the next start began ${anchor.slot - lastSlot} slots later`,
    );

    await end(server, space);
    await until("the listener to learn of the end", () => headless.state.phase === "ended");
    const recording = await readRecording(server, space);
    const wholeTo = lastSlot - LAST_SECOND_SLOTS;
    const before = await listener.heardUntil(wholeTo);
    const kept = presence(recording.pcm, before, { pieceMs: 500 });
    t.diagnostic(
      `recording: ${recording.packetCount} packets, ${(kept.found * 100).toFixed(0)} % of what was heard before`,
    );
    assert.ok(kept.found >= 0.95, `${kept.found} of the sound before the kill is in the recording`);
    assert.equal(Math.round(recording.durationMs / 20), recording.packetCount, "the decoder accepts every packet");
    const onAir = lane.filter(({ slot }) => slot >= (headless.state.liveSlot ?? 0)).length;
    assert.ok(recording.packetCount >= onAir * 10, `${recording.packetCount} packets for ${onAir} stored slots`);
  });
}

/** Asserts that the lane has what was heard until a second before `lastSlot`. Returns how many heard slots it lacks. */
function assertStored({ slots }: RecordingListener, lane: readonly Fragment[], lastSlot: number): number {
  assert.ok(
    lane.every(({ slot }, i) => i === 0 || slot > (lane[i - 1]?.slot ?? 0)),
    "slots ascend on disk",
  );
  const stored = new Map(lane.map((fragment) => [fragment.slot, fragment]));
  const lost = [...slots.keys()].filter((slot) => slot < lastSlot && !stored.has(slot));
  assert.ok(lost.length <= LAST_SECOND_SLOTS && lost.every((slot) => slot >= lastSlot - LAST_SECOND_SLOTS), `${lost}`);
  for (const [slot, packets] of slots) {
    const kept = stored.get(slot)?.packets;
    if (kept) assert.deepEqual(kept.map(Buffer.from), packets.map(Buffer.from), `slot ${slot} is one sound`);
  }
  return lost.length;
}
