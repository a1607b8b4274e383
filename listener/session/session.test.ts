import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { momentsFrame, noticeFrame, snapshotFrame, soundFrame } from "@hustings/wire/listen/frames.ts";
import { EMPTY_STATE } from "@hustings/wire/log/state.ts";
import fc from "fast-check";
import { startHeadlessListener } from "../headless/headless.ts";
import { playoutInputOf } from "../playout/playout-input.ts";
import { FakeEdge } from "../testing/fake-edge.ts";
import { Session } from "./session.ts";
import type { SlotSink } from "./slot-order.ts";
import type { Transport, TransportEvents } from "./transport.ts";

const URL = "ws://edge/listen/x";

function connect(random: () => number = () => 0.5) {
  const clock = manualClock();
  const edge = new FakeEdge(clock);
  clock.advance(3_000);
  const slots: number[] = [];
  const sink: SlotSink = { sound: (slot) => slots.push(slot), absent: () => undefined, break: () => undefined };
  const session = new Session({ url: URL, clock, random, transport: edge.transport, sink });
  session.start();
  clock.advance(100);
  return { clock, edge, session, slots };
}

test("L1 a newcomer requests a rendition without a cursor and follows after the first flight", () => {
  const { edge, session } = connect();
  assert.deepEqual(edge.urls, [`${URL}?r=32`]);
  assert.equal(session.link, "following");
  session.stop();
  assert.equal(session.link, "idle");
});

test("L2 reconnects within a second, from the next slot and the newest state entry", () => {
  const { clock, edge, session } = connect(() => 0.999);
  edge.closeAll();
  assert.equal(session.link, "waiting-retry");
  const { next } = session.order;
  clock.advance(1_000);
  assert.equal(edge.urls.at(-1), `${URL}?r=32&next=${next}&c=200&seq=${session.state.seq}`);
  clock.advance(10);
  assert.equal(session.link, "following");
  session.stop();
});

test("L3 retries without end, with full jitter up to 30 s", () => {
  const { clock, edge, session } = connect(() => 0.999);
  edge.refuseWith = { code: 1006, reason: "" };
  edge.closeAll();
  clock.advance(10 * 60_000);
  assert.equal(session.link, "waiting-retry");
  assert.ok(edge.urls.length > 15 && edge.urls.length < 30, `${edge.urls.length} tries in ten minutes`);
  edge.refuseWith = undefined;
  clock.advance(31_000);
  assert.equal(session.link, "following");
  session.stop();
});

test("L3 the first try waits for the buffer after a broken connection, and not after a close code", () => {
  const tries = (aheadMs: number, code?: number) => {
    const { clock, edge, session } = connect(() => 0.5);
    edge.sendNotice({ kind: "cadence", cadenceMs: 4_000 });
    session.applyAdvice({ aheadMs });
    clock.advance(1_000);
    edge.closeAll(code);
    const waitMs = (session.retryAtMs ?? 0) - clock.monotonicMs();
    session.stop();
    return waitMs;
  };
  // One second is used up: 3 s until the next push, then a sixth of the 2.8 s above the low mark.
  assert.equal(Math.round(tries(7_000)), 3_467);
  assert.equal(tries(7_000, 4505), 500);
  assert.equal(tries(0), 500);
});

test("L4 waits for the server's retry hint before the jitter begins", () => {
  const { clock, edge, session } = connect(() => 0);
  edge.closeAll(4506, "full retry-after-ms=7000");
  clock.advance(6_900);
  assert.equal(edge.urls.length, 1);
  clock.advance(200);
  assert.equal(session.link, "following");
  assert.equal(session.lastError, "full");
  session.stop();
});

test("L5 does not retry after no-space or ended", () => {
  const refused = connect();
  refused.edge.closeAll(4404, "no space");
  assert.equal(refused.session.link, "refused");
  const ended = connect();
  ended.edge.closeAll(4410, "ended");
  assert.equal(ended.session.link, "ended");
  ended.clock.advance(120_000);
  assert.equal(ended.edge.urls.length, 1);
});

test("L6 reconnects without a cursor when the edge no longer has its slot", () => {
  const { clock, edge, session } = connect(() => 0);
  edge.closeAll(4411, "gone");
  clock.advance(10);
  assert.equal(edge.urls.at(-1), `${URL}?r=32`);
  clock.advance(500);
  assert.equal(session.link, "following");
  session.stop();
});

test("L7 gives up a connection that is silent for five seconds", () => {
  const { clock, edge, session } = connect(() => 0.5);
  edge.isUnreachable = true;
  clock.advance(4_000);
  assert.equal(session.link, "following");
  clock.advance(3_000);
  assert.notEqual(session.link, "following");
  session.stop();
});

test("L9 reconnects to get a slot that is missing while later ones come", () => {
  const { clock, edge, session, slots } = connect(() => 0);
  const missing = edge.head + 1;
  edge.isHeldBack = true;
  clock.advance(200);
  edge.isHeldBack = false;
  clock.advance(1_000);
  assert.equal(slots.at(-1), missing - 1);
  clock.advance(4_000);
  assert.equal(edge.urls.length, 2);
  assert.ok(slots.includes(missing));
  session.stop();
});

test("L10 learns the edge's clock to a few milliseconds", () => {
  const { clock, session } = connect();
  clock.advance(1_000);
  assert.ok(Math.abs(session.offset.offsetMs) <= 2);
  session.stop();
});

test("L11 a malformed frame ends the connection and not the session", () => {
  const anyFrame = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => soundFrame("32", [bytes])),
    fc.json().map((json) => Uint8Array.from([2, ...new TextEncoder().encode(json)])),
    fc.json().map((json) => Uint8Array.from([3, ...new TextEncoder().encode(json)])),
    fc.json().map((json) => Uint8Array.from([5, ...new TextEncoder().encode(json)])),
    fc
      .record({ kind: fc.constantFrom("skipped", "cadence", "pong"), from: fc.anything(), to: fc.anything() })
      .map((one) => noticeFrame(JSON.parse(JSON.stringify(one)) as never)),
    fc
      .dictionary(fc.constantFrom(...Object.keys(EMPTY_STATE)), fc.jsonValue())
      .map((state) =>
        snapshotFrame({ ...{ headSlot: 1, nextSlot: 1, cadenceMs: 200, audience: 1, utcMs: 1 }, state } as never),
      ),
  );
  fc.assert(
    fc.property(fc.array(anyFrame, { minLength: 1, maxLength: 5 }), (frames) => {
      const { clock, edge, session, slots } = connect();
      for (const frame of frames) edge.sendRaw(frame);
      clock.advance(5_000);
      assert.ok(["following", "waiting-retry", "connecting", "ended"].includes(session.link), session.link);
      assert.deepEqual(
        slots,
        [...new Set(slots)].sort((a, b) => a - b),
      );
      session.stop();
    }),
    { numRuns: 200 },
  );
});

type Fault =
  | { readonly do: "cut"; readonly code: number }
  | { readonly do: "unreachable" | "reachable" | "hold" | "release" | "offline" | "online" }
  | { readonly do: "again" | "backwards" | "absent" | "skip"; readonly slots: number }
  | { readonly do: "garbage" };

const faults: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ do: fc.constant("cut" as const), code: fc.constantFrom(1006, 1001, 4408, 4503, 4505, 4401, 4411) }),
  fc.record({
    do: fc.constantFrom("unreachable" as const, "reachable", "hold", "release", "offline", "online"),
  }),
  fc.record({
    do: fc.constantFrom("again" as const, "backwards", "absent", "skip"),
    slots: fc.integer({ min: 1, max: 30 }),
  }),
  fc.record({ do: fc.constant("garbage" as const) }),
);

test("L13 a queued listener stays connected while notices come, reconnects to the same position, and is let in", () => {
  const clock = manualClock();
  const urls: string[] = [];
  let events: TransportEvents | undefined;
  const transport: Transport = (url, given) => {
    urls.push(url);
    events = given;
    return { send: () => undefined, close: () => undefined };
  };
  const sink: SlotSink = { sound: () => undefined, absent: () => undefined, break: () => undefined };
  const session = new Session({ url: URL, clock, random: () => 0.5, transport, sink });
  session.start();
  const notify = (place: number, estimateMs: number | null) =>
    events?.frame(noticeFrame({ kind: "waiting", place, estimateMs, sinceUtcMs: 77, claim: "waits" }));
  for (let place = 40; place > 30; place--) {
    notify(place, place * 1_000);
    clock.advance(20_000);
  }
  assert.deepEqual(
    [session.link, session.waiting, urls.length],
    ["connecting", { position: 31, estimateMs: 31_000 }, 1],
  );
  assert.equal(playoutInputOf(session).expecting, "hold");
  clock.advance(6_000);
  assert.equal(urls.at(-1), `${URL}?r=32&p=waits`, "silence for 25 s");
  events?.closed(4507, "place-elsewhere");
  clock.advance(1_000);
  assert.deepEqual([urls.length, session.waiting?.position], [3, 31]);
  const rest = { headSlot: null, nextSlot: null, rendition: "32", cadenceMs: 200, audience: 1, utcMs: 1 } as const;
  events?.frame(snapshotFrame({ state: EMPTY_STATE, ...rest }));
  assert.deepEqual([session.link, session.waiting], ["first-flight", undefined]);
  events?.frame(noticeFrame({ kind: "place", claim: "listens" }));
  events?.closed(1006, "");
  clock.advance(1_000);
  assert.equal(urls.at(-1), `${URL}?r=32&p=listens`, "no longer queued");
  session.stop();
});

test("L14 hands on each moment once and in order, over all connections, and names the newest when it reconnects", () => {
  const clock = manualClock();
  const edge = new FakeEdge(clock);
  const seqs: number[] = [];
  const session = new Session({
    url: URL,
    clock,
    random: () => 0.5,
    transport: edge.transport,
    sink: { sound: () => undefined, absent: () => undefined, break: () => undefined },
    onMoments: (moments) => seqs.push(...moments.map(({ seq }) => seq)),
  });
  const send = (...sent: readonly number[]) =>
    edge.sendRaw(momentsFrame(sent.map((seq) => ({ kind: "comment", seq, slot: 1, utcMs: 0 }))));
  session.start();
  clock.advance(1_000);
  send(3, 4);
  send(4);
  send(2, 4, 6);
  edge.closeAll();
  clock.advance(2_000);
  assert.match(edge.urls.at(-1) ?? "", /&m=6$/);
  send(5, 6, 7);
  assert.deepEqual(seqs, [3, 4, 6, 7]);
  const { connections } = session.counts;
  send(9, 8);
  clock.advance(2_000);
  assert.deepEqual([session.counts.badFrames, session.counts.connections, seqs.at(-1)], [1, connections + 1, 7]);
  session.stop();
});

test("O1 under any schedule of faults each slot is delivered once and in order, and the timeline has no hole", () => {
  const schedule = fc.array(fc.tuple(fc.integer({ min: 0, max: 8_000 }), faults), { maxLength: 25 });
  fc.assert(
    fc.property(schedule, fc.integer({ min: 0, max: 999 }), (steps, seed) => {
      const clock = manualClock();
      const edge = new FakeEdge(clock);
      clock.advance(3_000);
      let endSamples = 0;
      let held = edge.head;
      const listener = startHeadlessListener({
        url: URL,
        clock,
        random: () => seed / 1_000,
        transport: edge.transport,
        verify: true,
        onWrite: (at, packets) => {
          assert.equal(at, endSamples);
          endSamples += packets.length * 960;
        },
      });
      for (const [waitMs, fault] of steps) {
        clock.advance(waitMs);
        if (fault.do === "hold") held = edge.head;
        suffer(edge, listener.session, fault, held);
      }
      edge.isUnreachable = false;
      edge.isHeldBack = false;
      listener.session.setOnline(true);
      clock.advance(90_000);
      assert.deepEqual(listener.faults, []);
      assert.equal(listener.stats().link, "following");
      assert.ok((listener.session.order.next ?? 0) >= edge.head, "it holds the newest slot");
      assert.ok(listener.playheadSamples <= endSamples);
      listener.stop();
    }),
    { numRuns: 150 },
  );
});

function suffer(edge: FakeEdge, session: Session, fault: Fault, held: number): void {
  const { head } = edge;
  const last = (count: number) => Array.from({ length: count }, (_, i) => head - count + 1 + i);
  if (fault.do === "cut") edge.closeAll(fault.code);
  else if (fault.do === "unreachable" || fault.do === "reachable") edge.isUnreachable = fault.do === "unreachable";
  else if (fault.do === "offline" || fault.do === "online") session.setOnline(fault.do === "online");
  else if (fault.do === "hold") edge.isHeldBack = true;
  else if (fault.do === "release") edge.isHeldBack = false;
  else if (fault.do === "again") edge.sendSlots(last(fault.slots));
  else if (fault.do === "backwards") for (const slot of last(fault.slots).reverse()) edge.sendSlots([slot]);
  else if (fault.do === "absent") edge.absent(fault.slots);
  else if (fault.do === "skip" && head > held) edge.sendNotice({ kind: "skipped", from: held + 1, to: head + 1 });
  else edge.sendRaw(Uint8Array.of(1, 0, 0x11, 0, 0, 0));
}

test("L15 a snapshot that comes again is the state only: target, cadence, reserve and the stage's absence stay", () => {
  const { clock, edge, session } = connect();
  edge.sendNotice({ kind: "target", cadenceMs: 4_000, reserveMs: 2_000 });
  edge.sendNotice({ kind: "upstream", away: true });
  const { next } = session.order;
  const pings = edge.pingCount;
  const { slot } = session.onAir.at(edge.head);
  const airs = [
    { slot, air: "voice" as const },
    { slot: edge.head + 10, air: "hold" as const },
    { slot: edge.head + 20, air: "voice" as const },
  ];
  edge.sendRaw(
    snapshotFrame({
      state: { ...edge.state, seq: 9_000, title: "Far on", air: "voice", airs },
      headSlot: edge.head,
      nextSlot: edge.head + 1,
      rendition: "32",
      cadenceMs: 200,
      audience: 77,
      utcMs: clock.utcMs(),
      again: true,
    }),
  );
  assert.deepEqual([session.state.title, session.state.seq, session.audience], ["Far on", 9_000, 77]);
  assert.deepEqual([session.targetCadenceMs, session.reserveMs, session.isStageAway], [4_000, 2_000, true]);
  assert.deepEqual([session.link, session.order.next, edge.pingCount], ["following", next, pings]);
  assert.deepEqual(
    [5, 15, 25].map((slots) => session.onAir.at(edge.head + slots).air),
    ["voice", "hold", "voice"],
  );
  edge.closeAll();
  clock.advance(1_100);
  assert.match(edge.urls.at(-1) ?? "", /seq=9000/);
  session.stop();
});
