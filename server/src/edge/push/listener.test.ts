import assert from "node:assert/strict";
import { test } from "node:test";
import { usualLagMs } from "@hustings/wire/listen/cadence.ts";
import { KEPT_SLOTS } from "@hustings/wire/units.ts";
import fc from "fast-check";
import { MAX_FRAME_BYTES, MAX_UNSENT_BYTES, PING_MS, STALL_MS } from "../edge-limits.ts";
import { CADENCE_TABLE } from "../load/cadence-table.ts";
import { assertWhole, createAdvice, createEar, createSpace } from "../testing/listener-fixture.ts";

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

test("whatever is cut, stalled or resumed, each slot comes once and in order, or is named as skipped", () => {
  const run = (steps: { do: string; count: number }[], packetBytes: number) => {
    const space = createSpace();
    const ear = createEar(space);
    for (const { do: what, count } of steps) {
      if (what === "speak") space.appendSlots(count, packetBytes);
      else if (what === "late") space.appendSlots(count, packetBytes);
      else if (what === "leaveOut") space.leaveOut(count);
      else if (what === "lose") space.lose(count);
      else if (what === "state") space.state({ kind: "title", title: "Another" });
      else if (what === "take") ear.take(count);
      else if (what === "disconnect") ear.disconnect();
      else if (what === "connect" && !ear.isConnected) ear.connect(ear.resumeRequest());
      else if (what === "visit") {
        for (let i = 0; i < count; i++) {
          space.clock.advance(200);
          ear.push();
        }
      }
    }
    // At last the network holds, and everything comes.
    for (let i = 0; i < 60; i++) {
      if (!ear.isConnected) ear.connect(ear.resumeRequest());
      ear.take();
      space.clock.advance(200);
      ear.push();
    }
    ear.take();
    assertWhole(space, ear);
    const head = space.replica.ring("32").head;
    if (head >= 0) assert.equal(ear.slots.at(-1), head);
    assert.ok(ear.mostUnsent <= MAX_UNSENT_BYTES * 1.5 + MAX_FRAME_BYTES * 2);
  };
  fc.assert(fc.property(fc.array(step, { maxLength: 80 }), fc.constantFrom(20, 80, 600), run), { numRuns: 400 });
});

test("a newcomer begins as far back as its cadence needs, a space without sound from its first slot", () => {
  for (const row of CADENCE_TABLE) assert.ok(row.firstSendSlots * 200 >= Math.max(1_750, usualLagMs(row) + 400));
  const space = createSpace();
  const ear = createEar(space);
  ear.connect();
  ear.take();
  space.appendSlots(3);
  ear.push();
  ear.take();
  assert.deepEqual(ear.slots, [0, 1, 2]);
});

test("what goes before the sound of a visit leaves in one write with it", () => {
  const space = createSpace();
  space.appendSlots(20);
  const ear = createEar(space);
  ear.connect();
  ear.take();
  ear.push();
  const before = ear.writes;
  space.appendSlots();
  space.state({ kind: "title", title: "Another" });
  space.flags.isAway = true;
  space.flags.audience = 7;
  space.flags.version = 1;
  space.clock.advance(PING_MS * 2);
  ear.push();
  assert.equal(ear.writes - before, 1);
  ear.take();
  assert.deepEqual(ear.kinds.slice(-4), ["state", "notice", "notice", "sound"]);
  space.appendSlots(40, 80);
  ear.push();
  assert.equal(ear.writes - before, 2);
});

test("a reader that takes nothing is bounded, moved to the head once, then closed with the place to resume", () => {
  const space = createSpace();
  space.appendSlots(20);
  const ear = createEar(space);
  ear.connect();
  ear.take();
  const seconds = (count: number) => {
    for (let i = 0; i < count * 5; i++) {
      space.appendSlots();
      space.clock.advance(200);
      ear.push();
    }
  };
  seconds(1);
  ear.take();
  seconds(6);
  assert.ok(ear.isConnected);
  assert.ok(ear.unsentBytes <= MAX_UNSENT_BYTES);
  ear.take();
  ear.push();
  ear.take();
  assert.equal(ear.skipped.length, 1);
  assert.equal(ear.slots.at(-1), space.head);
  seconds((STALL_MS / 1_000) * 3);
  assert.equal(ear.closed?.code, 4408);
  const owed = new URLSearchParams(ear.closed?.reason);
  ear.take();
  assert.equal(Number(owed.get("next")), (ear.slots.at(-1) as number) + 1);
  assertWhole(space, ear);
  ear.connect({ rendition: "32", nextSlot: Number(owed.get("next")), stateSeq: Number(owed.get("seq")) });
  for (let i = 0; i < 5; i++) {
    ear.take();
    ear.push();
  }
  assert.equal(ear.slots.at(-1), space.head);
  assertWhole(space, ear);
});

test("a resume from before what is kept names what is skipped, then goes on in order", () => {
  const space = createSpace();
  space.appendSlots(KEPT_SLOTS * 2);
  const ear = createEar(space);
  ear.slots.push(9);
  ear.connect({ rendition: "32", nextSlot: 10, stateSeq: 0 });
  for (let i = 0; i < 20; i++) {
    ear.take();
    ear.push();
  }
  assert.deepEqual(ear.skipped, [{ kind: "skipped", from: 10, to: KEPT_SLOTS }]);
  assert.equal(ear.slots.length, 1 + KEPT_SLOTS);
  assertWhole(space, ear);
});

test("a place far beyond the head is closed with 4401, one that another edge may have reached is waited for", () => {
  const space = createSpace();
  space.appendSlots(10);
  const stray = createEar(space);
  stray.connect({ rendition: "32", nextSlot: 4_000_000, stateSeq: undefined });
  assert.equal(stray.closed?.code, 4401);
  const ahead = createEar(space);
  ahead.connect({ rendition: "32", nextSlot: 12, stateSeq: undefined });
  space.appendSlots(5);
  ahead.push();
  ahead.take();
  assert.deepEqual(ahead.slots, [12, 13, 14]);
});

test("the entries of a slot come before its sound, and a listener that comes back gets those it missed", () => {
  const space = createSpace();
  space.appendSlots(10);
  const ear = createEar(space);
  ear.connect();
  ear.take();
  ear.disconnect();
  space.state({ kind: "title", title: "Another" });
  space.appendSlots(3);
  ear.connect(ear.resumeRequest());
  ear.take();
  assert.deepEqual(ear.kinds.slice(-3), ["snapshot", "state", "sound"]);
  assertWhole(space, ear);
});

test("the order of state and sound holds for a listener that is far behind as well", () => {
  const space = createSpace();
  space.appendSlots(80, 600);
  const ear = createEar(space);
  ear.connect({ rendition: "32", nextSlot: 0, stateSeq: 0 });
  space.state({ kind: "title", title: "Another" });
  space.appendSlots(1, 600);
  for (let i = 0; i < 20; i++) ear.take();
  assert.equal(ear.slots.at(-1), space.head);
  assertWhole(space, ear);
});

test("an ended space is closed with 4410 after its last sound", () => {
  const space = createSpace();
  space.appendSlots(10);
  const ear = createEar(space);
  ear.connect();
  space.state({ kind: "ended" });
  space.appendSlots(1);
  ear.push();
  assert.ok(ear.isConnected);
  space.clock.advance(1_000);
  ear.push();
  assert.equal(ear.closed?.code, 4410);
  ear.take();
  assert.equal(ear.slots.at(-1), 10);
});

test("the stage's going and coming, the audience and a space that is no more are told", () => {
  const space = createSpace();
  space.appendSlots(10);
  const ear = createEar(space);
  ear.connect();
  space.flags.isAway = true;
  ear.push();
  space.flags.isAway = false;
  space.flags.audience = 7;
  space.flags.version = 1;
  ear.push();
  ear.take();
  assert.deepEqual(ear.kinds.slice(-3), ["notice", "notice", "notice"]);
  space.flags.isGone = true;
  ear.push();
  assert.equal(ear.closed?.code, 4404);
});

test("a listener that answers no ping is cut, one that does is kept", () => {
  const space = createSpace();
  const ear = createEar(space);
  const other = createEar(space);
  for (const one of [ear, other]) {
    one.connect();
    one.take();
  }
  for (let i = 0; i < 10; i++) {
    space.clock.advance(15_000);
    other.listener.receiveControl(space.clock.monotonicMs());
    for (const one of [ear, other]) {
      if (one.isConnected) one.push();
      one.take();
    }
  }
  assert.equal(ear.closed?.code, 1006);
  assert.ok(other.isConnected);
});

test("another rendition begins with the next slot", () => {
  const space = createSpace();
  space.appendSlots(10);
  const ear = createEar(space);
  ear.connect();
  ear.listener.receive('{"kind":"rendition","rendition":"16"}', 0, 0);
  space.appendSlots(2);
  ear.push();
  ear.take();
  assert.deepEqual(ear.slots.slice(-3), [9, 10, 11]);
  assertWhole(space, ear);
});

test("whatever a listener says, it is heard or closed with 4402 or 4429, and never more than five times a second", () => {
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
      const ear = createEar(space);
      ear.connect();
      for (const text of all) if (!ear.closed) ear.listener.receive(text, 0, 0);
      assert.ok(ear.closed === undefined || ear.closed.code === 4402 || ear.closed.code === 4429);
      if (all.length > 5) assert.ok(ear.closed);
    }),
  );
});

test("where 8 s is not enough newcomers get the small rendition, and who asks for more gets it when there is more", () => {
  const advice = createAdvice();
  const space = createSpace();
  space.appendSlots(20);
  const [before, newcomer] = [createEar(space, advice), createEar(space, advice)];
  before.connect();
  advice.rendition = "16";
  newcomer.connect();
  const rest = () => {
    for (const ear of [before, newcomer]) {
      ear.listener.receive(JSON.stringify({ kind: "rendition", rendition: "32" }), space.clock.monotonicMs(), 0);
      ear.push();
      ear.take();
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
  for (const ear of [before, newcomer]) assertWhole(space, ear);
});
