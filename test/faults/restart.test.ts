// Proves what a kill -9 of everything during a live space leaves: all of it, whatever the clock says at the next start.

import assert from "node:assert/strict";
import { test } from "node:test";
import { presence } from "../../media/measure/correlate.ts";
import { openVenue, type Venue } from "../support/running-server.ts";
import { until } from "../support/until.ts";
import { assertWhole, listen } from "./ears.ts";
import { readRecording, soundLane } from "./lane.ts";
import { end, inviteTalker, openStage } from "./talker.ts";

/** Sound is followed first and stored within a second. */
const LAST_SECOND_SLOTS = 5;

async function killEverything(venue: Venue): Promise<void> {
  const pids = await Promise.all(["stage", "api", "edge-0"].map(venue.pidOf));
  await Promise.all([venue.parentPid, ...pids].map(venue.kill));
}

for (const offsetMs of [30_000, -30_000]) {
  const clock = `a clock that is ${Math.abs(offsetMs) / 1000} s ${offsetMs > 0 ? "fast" : "slow"}`;
  test(`after a kill of everything, and with ${clock}, a live space goes on where it was`, async (t) => {
    await using venue = await openVenue();
    using stage = await openStage(venue, "Through the dark");
    using ben = await inviteTalker(venue, stage, "Ben", "ben");
    using ears = await listen(venue, stage.space);
    await ears.hearsMore(10);
    const { host, space } = stage;
    await host.speaker.command({ do: "mute", seat: ben.speaker.seat, muted: true });
    await killEverything(venue);
    const lastSlot = ears.lastSlot;
    await venue.restart({ HUSTINGS_UTC_OFFSET_MS: String(offsetMs) });
    const startedMs = performance.now();

    const { listener } = ears;
    await until("both to sit again", () => host.sittings === 2 && ben.sittings === 2 && ben.isSeated);
    await until("a voice on air again", () => listener.state.air === "voice" && ears.lastSlot > lastSlot);
    t.diagnostic(`speakers and listeners were back ${Math.round(performance.now() - startedMs)} ms after the start`);
    const seat = listener.state.seats.find((one) => one.seat === ben.speaker.seat);
    assert.deepEqual([seat?.muted, seat?.mutedBy], [true, "host"], "muted just before the kill, muted after it");
    assert.equal(listener.state.seats.find((one) => one.role === "host")?.muted, false);
    await ears.hearsMore(20);

    assert.equal(listener.stats().jumps, 0, "slots that never were put nobody behind");
    assertWhole(ears, "the listener");
    assert.equal(listener.session.order.duplicates, 0, "no slot came twice");
    const [, anchor] = listener.state.anchors;
    assert.ok(anchor && anchor.slot > lastSlot, `the second start began at ${anchor?.slot}, ${lastSlot} was heard`);
    const lane = await soundLane(venue, space);
    assert.ok(
      lane.every(({ slot }, i) => i === 0 || slot > (lane[i - 1]?.slot ?? 0)),
      "slots ascend on disk",
    );
    const stored = new Map(lane.map((fragment) => [fragment.slot, fragment]));
    const lost = [...ears.slots.keys()].filter((slot) => slot < lastSlot && !stored.has(slot));
    t.diagnostic(
      `heard and not stored: ${lost.length} slots; the next start began at slot ${anchor.slot - lastSlot} on`,
    );
    assert.ok(
      lost.length <= LAST_SECOND_SLOTS && lost.every((slot) => slot >= lastSlot - LAST_SECOND_SLOTS),
      `${lost}`,
    );
    for (const [slot, packets] of ears.slots) {
      const kept = stored.get(slot)?.packets;
      if (kept) assert.deepEqual(kept.map(Buffer.from), packets.map(Buffer.from), `slot ${slot} is one sound`);
    }

    await end(venue, space);
    await until("the end to be heard of", () => listener.state.phase === "ended");
    const recording = await readRecording(venue, space);
    const wholeTo = lastSlot - LAST_SECOND_SLOTS;
    const before = await ears.heardUntil(wholeTo);
    const kept = presence(recording.pcm, before, { pieceMs: 500 });
    t.diagnostic(
      `recording: ${recording.packetCount} packets, ${(kept.found * 100).toFixed(0)} % of what was heard before`,
    );
    assert.ok(kept.found >= 0.95, `${kept.found} of the sound before the kill is in the recording`);
    assert.equal(Math.round(recording.durationMs / 20), recording.packetCount, "the decoder takes every packet");
    const onAir = lane.filter(({ slot }) => slot >= (listener.state.liveSlot ?? 0)).length;
    assert.ok(recording.packetCount >= onAir * 10, `${recording.packetCount} packets for ${onAir} stored slots`);
  });
}
