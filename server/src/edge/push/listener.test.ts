import assert from "node:assert/strict";
import { test } from "node:test";
import { usualLagMs } from "@hustings/wire/listen/cadence.ts";
import { KEPT_SLOTS } from "@hustings/wire/units.ts";
import fc from "fast-check";
import { MAX_FRAME_BYTES, MAX_UNSENT_BYTES, PING_MS, STALL_MS } from "../edge-limits.ts";
import { CADENCE_TABLE } from "../load/cadence-table.ts";
import { assertWhole, createAdvice, createFarEnd, createSpace } from "../testing/listener-fixture.ts";

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("speak" as const), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("visit" as const), count: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("take" as const), count: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("disconnect" as const), count: fc.constant(1) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("connect" as const), count: fc.constant(1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("state" as const), count: fc.constant(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leaveOut" as const), count: fc.integer({ min: 1, max: 50 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lose" as const), count: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("late" as const), count: fc.integer({ min: 1, max: 400 }) }) },
);

test("through cuts, stalls and resumes every slot comes once and in order, or is announced as skipped", () => {
  const run = (steps: { do: string; count: number }[], packetBytes: number) => {
    const space = createSpace();
    const farEnd = createFarEnd(space);
    for (const { do: what, count } of steps) {
      if (what === "speak") space.appendSlots(count, packetBytes);
      else if (what === "late") space.appendSlots(count, packetBytes);
      else if (what === "leaveOut") space.declareAbsent(count);
      else if (what === "lose") space.loseSlots(count);
      else if (what === "state") space.state({ kind: "title", title: "Another" });
      else if (what === "take") farEnd.take(count);
      else if (what === "disconnect") farEnd.disconnect();
      else if (what === "connect" && !farEnd.isConnected) farEnd.connect(farEnd.resumeRequest());
      else if (what === "visit") {
        for (let i = 0; i < count; i++) {
          space.clock.advance(200);
          farEnd.push();
        }
      }
    }
    // At last the network holds, and everything arrives.
    for (let i = 0; i < 60; i++) {
      if (!farEnd.isConnected) farEnd.connect(farEnd.resumeRequest());
      farEnd.take();
      space.clock.advance(200);
      farEnd.push();
    }
    farEnd.take();
    assertWhole(space, farEnd);
    const head = space.replica.ring("32").head;
    if (head >= 0) assert.equal(farEnd.slots.at(-1), head);
    assert.ok(farEnd.mostUnsent <= MAX_UNSENT_BYTES * 1.5 + MAX_FRAME_BYTES * 2);
  };
  fc.assert(fc.property(fc.array(step, { maxLength: 80 }), fc.constantFrom(20, 80, 600), run), { numRuns: 400 });
});

test("starts a newcomer as far back as its cadence needs, and at the first slot of a space without sound", () => {
  for (const row of CADENCE_TABLE) assert.ok(row.firstSendSlots * 200 >= Math.max(1_750, usualLagMs(row) + 400));
  const space = createSpace();
  const farEnd = createFarEnd(space);
  farEnd.connect();
  farEnd.take();
  space.appendSlots(3);
  farEnd.push();
  farEnd.take();
  assert.deepEqual(farEnd.slots, [0, 1, 2]);
});

test("sends notices and the sound of one push in one write", () => {
  const space = createSpace();
  space.appendSlots(20);
  const farEnd = createFarEnd(space);
  farEnd.connect();
  farEnd.take();
  farEnd.push();
  const before = farEnd.writes;
  space.appendSlots();
  space.state({ kind: "title", title: "Another" });
  space.flags.isAway = true;
  space.flags.audience = 7;
  space.flags.version = 1;
  space.clock.advance(PING_MS * 2);
  farEnd.push();
  assert.equal(farEnd.writes - before, 1);
  farEnd.take();
  assert.deepEqual(farEnd.kinds.slice(-4), ["state", "notice", "notice", "sound"]);
  space.appendSlots(40, 80);
  farEnd.push();
  assert.equal(farEnd.writes - before, 2);
});

test("bounds the bytes of a stalled reader, moves it to the head once, then closes it with where to resume", () => {
  const space = createSpace();
  space.appendSlots(20);
  const farEnd = createFarEnd(space);
  farEnd.connect();
  farEnd.take();
  const seconds = (count: number) => {
    for (let i = 0; i < count * 5; i++) {
      space.appendSlots();
      space.clock.advance(200);
      farEnd.push();
    }
  };
  seconds(1);
  farEnd.take();
  seconds(6);
  assert.ok(farEnd.isConnected);
  assert.ok(farEnd.unsentBytes <= MAX_UNSENT_BYTES);
  farEnd.take();
  farEnd.push();
  farEnd.take();
  assert.equal(farEnd.skipped.length, 1);
  assert.equal(farEnd.slots.at(-1), space.head);
  seconds((STALL_MS / 1_000) * 3);
  assert.equal(farEnd.closed?.code, 4408);
  const owed = new URLSearchParams(farEnd.closed?.reason);
  farEnd.take();
  assert.equal(Number(owed.get("next")), (farEnd.slots.at(-1) as number) + 1);
  assertWhole(space, farEnd);
  farEnd.connect({ rendition: "32", nextSlot: Number(owed.get("next")), stateSeq: Number(owed.get("seq")) });
  for (let i = 0; i < 5; i++) {
    farEnd.take();
    farEnd.push();
  }
  assert.equal(farEnd.slots.at(-1), space.head);
  assertWhole(space, farEnd);
});

test("a resume from before the kept sound announces the skipped slots, then goes on in order", () => {
  const space = createSpace();
  space.appendSlots(KEPT_SLOTS * 2);
  const farEnd = createFarEnd(space);
  farEnd.slots.push(9);
  farEnd.connect({ rendition: "32", nextSlot: 10, stateSeq: 0 });
  for (let i = 0; i < 20; i++) {
    farEnd.take();
    farEnd.push();
  }
  assert.deepEqual(farEnd.skipped, [{ kind: "skipped", from: 10, to: KEPT_SLOTS }]);
  assert.equal(farEnd.slots.length, 1 + KEPT_SLOTS);
  assertWhole(space, farEnd);
});

test("closes a cursor far beyond the head with 4401, and waits for one that another edge may have reached", () => {
  const space = createSpace();
  space.appendSlots(10);
  const stray = createFarEnd(space);
  stray.connect({ rendition: "32", nextSlot: 4_000_000, stateSeq: undefined });
  assert.equal(stray.closed?.code, 4401);
  const ahead = createFarEnd(space);
  ahead.connect({ rendition: "32", nextSlot: 12, stateSeq: undefined });
  space.appendSlots(5);
  ahead.push();
  ahead.take();
  assert.deepEqual(ahead.slots, [12, 13, 14]);
});

test("sends the entries of a slot before its sound, and a resuming listener those it missed", () => {
  const space = createSpace();
  space.appendSlots(10);
  const farEnd = createFarEnd(space);
  farEnd.connect();
  farEnd.take();
  farEnd.disconnect();
  space.state({ kind: "title", title: "Another" });
  space.appendSlots(3);
  farEnd.connect(farEnd.resumeRequest());
  farEnd.take();
  assert.deepEqual(farEnd.kinds.slice(-3), ["snapshot", "state", "sound"]);
  assertWhole(space, farEnd);
});

test("keeps state before sound for a listener that is far behind", () => {
  const space = createSpace();
  space.appendSlots(80, 600);
  const farEnd = createFarEnd(space);
  farEnd.connect({ rendition: "32", nextSlot: 0, stateSeq: 0 });
  space.state({ kind: "title", title: "Another" });
  space.appendSlots(1, 600);
  for (let i = 0; i < 20; i++) farEnd.take();
  assert.equal(farEnd.slots.at(-1), space.head);
  assertWhole(space, farEnd);
});

test("closes an ended space with 4410 after its last sound", () => {
  const space = createSpace();
  space.appendSlots(10);
  const farEnd = createFarEnd(space);
  farEnd.connect();
  space.state({ kind: "ended" });
  space.appendSlots(1);
  farEnd.push();
  assert.ok(farEnd.isConnected);
  space.clock.advance(1_000);
  farEnd.push();
  assert.equal(farEnd.closed?.code, 4410);
  farEnd.take();
  assert.equal(farEnd.slots.at(-1), 10);
});

test("announces that the stage is away and back, the audience, and a space that is gone", () => {
  const space = createSpace();
  space.appendSlots(10);
  const farEnd = createFarEnd(space);
  farEnd.connect();
  space.flags.isAway = true;
  farEnd.push();
  space.flags.isAway = false;
  space.flags.audience = 7;
  space.flags.version = 1;
  farEnd.push();
  farEnd.take();
  assert.deepEqual(farEnd.kinds.slice(-3), ["notice", "notice", "notice"]);
  space.flags.isGone = true;
  farEnd.push();
  assert.equal(farEnd.closed?.code, 4404);
});

test("cuts a listener that answers no ping, and keeps one that does", () => {
  const space = createSpace();
  const farEnd = createFarEnd(space);
  const other = createFarEnd(space);
  for (const one of [farEnd, other]) {
    one.connect();
    one.take();
  }
  for (let i = 0; i < 10; i++) {
    space.clock.advance(15_000);
    other.listener.receiveControl(space.clock.monotonicMs());
    for (const one of [farEnd, other]) {
      if (one.isConnected) one.push();
      one.take();
    }
  }
  assert.equal(farEnd.closed?.code, 1006);
  assert.ok(other.isConnected);
});

test("switches to another rendition at the next slot", () => {
  const space = createSpace();
  space.appendSlots(10);
  const farEnd = createFarEnd(space);
  farEnd.connect();
  farEnd.listener.receive('{"kind":"rendition","rendition":"16"}', 0, 0);
  space.appendSlots(2);
  farEnd.push();
  farEnd.take();
  assert.deepEqual(farEnd.slots.slice(-3), [9, 10, 11]);
  assertWhole(space, farEnd);
});

test("accepts any message or closes with 4402 or 4429, and never allows more than five messages a second", () => {
  const said = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.json(),
    fc.constant('{"kind":"ping","echo":1}'),
    fc.constant('{"kind":"ready","cadenceMs":1000}'),
    fc.constant("x".repeat(2_000)),
  );
  fc.assert(
    fc.property(fc.array(said, { maxLength: 12 }), (all) => {
      const space = createSpace();
      const farEnd = createFarEnd(space);
      farEnd.connect();
      for (const text of all) if (!farEnd.closed) farEnd.listener.receive(text, 0, 0);
      assert.ok(farEnd.closed === undefined || farEnd.closed.code === 4402 || farEnd.closed.code === 4429);
      if (all.length > 5) assert.ok(farEnd.closed);
    }),
  );
});

test("gives newcomers the small rendition when 8 s is not enough, and the large one on request when there is capacity", () => {
  const advice = createAdvice();
  const space = createSpace();
  space.appendSlots(20);
  const [before, newcomer] = [createFarEnd(space, advice), createFarEnd(space, advice)];
  before.connect();
  advice.rendition = "16";
  newcomer.connect();
  const rest = () => {
    for (const farEnd of [before, newcomer]) {
      farEnd.listener.receive(JSON.stringify({ kind: "rendition", rendition: "32" }), space.clock.monotonicMs(), 0);
      farEnd.push();
      farEnd.take();
    }
    space.clock.advance(1_000);
    space.appendSlots();
  };
  rest();
  rest();
  assert.deepEqual([...new Set(before.renditions)], ["32"]);
  assert.deepEqual([...new Set(newcomer.renditions)], ["16"]);
  advice.rendition = "32";
  rest();
  assert.equal(newcomer.renditions.at(-1), "32");
  for (const farEnd of [before, newcomer]) assertWhole(space, farEnd);
});
