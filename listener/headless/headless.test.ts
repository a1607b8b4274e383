import assert from "node:assert/strict";
import { test } from "node:test";
import { type ManualClock, manualClock } from "@hustings/flow/testing/manual-clock.ts";
import type { SlotSink } from "../session/slot-order.ts";
import { FakeEdge, type FakeEdgeOptions } from "../testing/fake-edge.ts";
import { startHeadlessListener } from "./headless.ts";

interface Heard {
  readonly sounds: number[];
  readonly breaks: [number, number, string][];
  readonly absences: [number, number][];
}

function listen(options: FakeEdgeOptions = {}, random: () => number = () => 0.5) {
  const clock = manualClock();
  const edge = new FakeEdge(clock, options);
  clock.advance(3_000);
  const heard: Heard = { sounds: [], breaks: [], absences: [] };
  const sink: SlotSink = {
    sound: (slot) => heard.sounds.push(slot),
    absent: (from, to) => heard.absences.push([from, to]),
    break: (from, to, reason) => heard.breaks.push([from, to, reason]),
  };
  let endSamples = 0;
  const written: number[] = [];
  const listener = startHeadlessListener({
    url: "ws://edge/listen/x",
    clock,
    random,
    transport: edge.transport,
    verify: true,
    sink,
    onWrite: (at, packets, slot) => {
      assert.equal(at, endSamples, "each write begins at the sample where the last one ended");
      endSamples += packets.length * 960;
      if (slot >= 0) written.push(slot);
    },
  });
  return { clock, edge, listener, heard, written };
}

/** The network is away for `ms`: nothing comes, nothing closes, and the device reports when it is back. */
function outage(clock: ManualClock, edge: FakeEdge, session: { setOnline(isOnline: boolean): void }, ms: number): void {
  edge.isUnreachable = true;
  session.setOnline(false);
  clock.advance(ms);
  edge.isUnreachable = false;
  session.setOnline(true);
}

test("B1 a newcomer hears the head within 300 ms and misses nothing in a quiet minute", () => {
  const { clock, listener, heard } = listen();
  clock.advance(60_000);
  const stats = listener.stats();
  assert.equal(stats.link, "following");
  assert.equal(stats.ear, "playing");
  assert.ok((stats.firstSoundMs ?? 999) <= 300, `first sound after ${stats.firstSoundMs} ms`);
  assert.equal(stats.gaps, 0);
  assert.equal(stats.skippedSlots, 0);
  assert.deepEqual(listener.faults, []);
  assert.ok((stats.mouthToEarMs.p95 ?? 9999) <= 800, `mouth to ear ${stats.mouthToEarMs.p95} ms`);
  assert.ok(heard.sounds.length >= 300);
  listener.stop();
});

test("B7 after 5 s without network every word is heard late and once", () => {
  const { clock, edge, listener, heard, written } = listen();
  clock.advance(10_000);
  const before = listener.stats();
  outage(clock, edge, listener.session, 5_000);
  clock.advance(1_000);
  const after = listener.stats();
  assert.equal(after.gaps, before.gaps + 1);
  assert.equal(after.skippedSlots, 0);
  assert.deepEqual(heard.breaks, []);
  assert.ok(after.gapMs > 4_000 && after.gapMs < 5_100, `${after.gapMs} ms of filler`);
  assert.ok(after.lagMs - before.lagMs > 3_900 && after.lagMs - before.lagMs < 5_100);
  assert.deepEqual(written, unbroken(written));
  clock.advance(180_000);
  const later = listener.stats();
  assert.ok(later.lagMs < before.lagMs + 400, `caught up to ${later.lagMs} ms`);
  assert.equal(later.rate <= 1.04 && later.rate >= 0.96, true);
  assert.equal(later.gaps, 1);
  listener.stop();
});

test("B8 after 20 s without network a listener is where a newcomer would be, and the missed words are skipped", () => {
  const { clock, edge, listener, heard, written } = listen();
  clock.advance(10_000);
  const cutAt = listener.session.order.next ?? 0;
  outage(clock, edge, listener.session, 20_000);
  const headBack = edge.head;
  clock.advance(1_000);
  const stats = listener.stats();
  assert.equal(stats.jumps, 1);
  assert.equal(heard.breaks.length, 1);
  const [from, to, reason] = heard.breaks[0] ?? [0, 0, ""];
  assert.equal(reason, "jump");
  assert.equal(from, cutAt, "skipping begins at the first missed slot");
  assert.equal(stats.skippedSlots, to - from);
  const lateMs = (headBack + 1 - to) * 200;
  assert.ok(lateMs >= 400 && lateMs <= 1_000, `${lateMs} ms are late`);
  assert.deepEqual(
    written,
    unbroken(written).filter((slot) => slot < from || slot >= to),
  );
  listener.stop();
});

test("B9 when 20 s come at once on a live connection the playhead jumps to the newest words", () => {
  const { clock, edge, listener } = listen();
  clock.advance(10_000);
  const from = edge.head + 1;
  edge.isHeldBack = true;
  clock.advance(20_000);
  edge.isHeldBack = false;
  edge.sendSlots(Array.from({ length: edge.head + 1 - from }, (_, i) => from + i));
  clock.advance(500);
  const stats = listener.stats();
  assert.equal(stats.jumps, 1);
  assert.equal(stats.connections, 1);
  assert.ok(stats.skippedSlots >= 94 && stats.skippedSlots <= 102, `${stats.skippedSlots} slots skipped`);
  assert.ok(stats.lagMs < 1_000, `${stats.lagMs} ms behind`);
  listener.stop();
});

test("B8 a listener who asks to jump skips what they are behind, once, without another connection", () => {
  const { clock, edge, listener } = listen();
  clock.advance(10_000);
  const from = edge.head + 1;
  edge.isHeldBack = true;
  clock.advance(8_000);
  edge.isHeldBack = false;
  edge.sendSlots(Array.from({ length: edge.head + 1 - from }, (_, i) => from + i));
  clock.advance(500);
  assert.ok(listener.stats().lagMs > 7_000, "eight seconds are heard late");
  listener.jumpToLive();
  clock.advance(500);
  const { lagMs, jumps, connections, skippedSlots } = listener.stats();
  assert.ok(lagMs < 1_000, `${lagMs} ms behind`);
  assert.deepEqual([jumps, connections], [1, 1]);
  assert.ok(skippedSlots >= 34 && skippedSlots <= 42, `${skippedSlots} slots skipped`);
  listener.jumpToLive();
  clock.advance(500);
  assert.equal(listener.stats().jumps, 1, "near the head there is nothing to skip");
  listener.stop();
});

test("B5 filler written while waiting counts as that of slots that turn out to be absent", () => {
  const { clock, edge, listener, heard } = listen();
  clock.advance(10_000);
  const before = listener.stats();
  edge.isHeldBack = true;
  const from = edge.head + 1;
  clock.advance(3_000);
  edge.isHeldBack = false;
  edge.appendState({ kind: "absence", from, to: edge.head + 1 });
  clock.advance(2_000);
  const after = listener.stats();
  assert.deepEqual(heard.absences, [[from, after.absentSlots + from]]);
  assert.ok(Math.abs(after.lagMs - before.lagMs) < 300, `${before.lagMs} then ${after.lagMs} ms behind`);
  listener.stop();
});

test("H1 hold music and voices begin when the playhead reaches their slot", () => {
  const { clock, edge, listener } = listen();
  clock.advance(10_000);
  edge.appendState({ kind: "air", air: "hold", reason: "silence" });
  clock.advance(200);
  assert.equal(listener.stats().ear, "playing");
  clock.advance(1_000);
  assert.equal(listener.stats().ear, "holding");
  edge.appendState({ kind: "air", air: "voice" });
  clock.advance(100);
  assert.equal(listener.stats().ear, "holding");
  clock.advance(1_000);
  assert.equal(listener.stats().ear, "playing");
  assert.equal(listener.stats().gaps, 0);
  listener.stop();
});

test("L8 the last words are heard before the ear is finished", () => {
  const { clock, edge, listener } = listen();
  clock.advance(5_000);
  const last = edge.head;
  edge.appendState({ kind: "ended" });
  edge.closeAll(4410, "ended");
  assert.equal(listener.stats().link, "ended");
  assert.notEqual(listener.stats().ear, "finished");
  clock.advance(3_000);
  assert.equal(listener.stats().ear, "finished");
  assert.equal(listener.session.order.next, last + 1);
  listener.stop();
});

function unbroken(slots: readonly number[]): number[] {
  const first = slots[0] ?? 0;
  return Array.from({ length: (slots.at(-1) ?? 0) - first + 1 }, (_, i) => first + i);
}
