import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/clock-manual.ts";
import { decodeFrame } from "@hustings/wire/frames.ts";
import { EMPTY_STATE, type StateEntry } from "@hustings/wire/state.ts";
import { KEPT_SLOTS } from "@hustings/wire/units.ts";
import fc from "fast-check";
import { CADENCE_TABLE, FASTEST } from "./cadence.ts";
import type { ListenCursor } from "./cursor.ts";
import type { Following } from "./following.ts";
import { createSharedFrames } from "./frames-shared.ts";
import { createKept } from "./kept.ts";
import { MAX_FRAME_BYTES, MAX_UNSENT_BYTES, STALL_MS } from "./limits.ts";
import { Listener, type ListenerPipe } from "./listener.ts";
import { fragmentOf, SPACE } from "./upstream-fake.ts";

const FRESH: ListenCursor = { rendition: "32", nextSlot: undefined, stateSeq: undefined };

/** A space as an edge keeps it, without a stage: what is said here is kept at once. */
function createSpace(firstSlot = 0) {
  const clock = manualClock();
  const kept = createKept({ state: EMPTY_STATE, nextSlot: 0 });
  const flags = { isAway: false, isGone: false, audience: 0, version: 0, endedMs: undefined as number | undefined };
  let head = firstSlot - 1;
  const following: Following = {
    space: SPACE,
    kept,
    frames: createSharedFrames(kept, clock),
    get isAway() {
      return flags.isAway;
    },
    get isGone() {
      return flags.isGone;
    },
    get endedMs() {
      return flags.endedMs;
    },
    get audience() {
      return flags.audience;
    },
    get told() {
      return { audience: flags.audience, version: flags.version };
    },
    asOfUtcMs: 0,
    ready: Promise.resolve(),
    count() {},
    [Symbol.dispose]() {},
  };
  function state(change: Partial<StateEntry> & { kind: string }): void {
    const entry = { slot: head + 1, utcMs: 0, ...change, seq: kept.state.seq + 1 } as StateEntry;
    kept.apply({ lane: "state", entry });
    if (entry.kind === "ended") flags.endedMs = clock.monotonicMs();
  }
  return {
    clock,
    kept,
    following,
    flags,
    state,
    get head() {
      return head;
    },
    speak(count = 1, packetBytes = 64) {
      for (let i = 0; i < count; i++) {
        head++;
        for (const rendition of ["32", "16"] as const)
          kept.apply({ lane: "sound", rendition, slot: head, bytes: fragmentOf(head, packetBytes) });
      }
    },
    /** Slots that the log says do not exist. */
    leaveOut(count: number) {
      state({ kind: "absence", from: head + 1, to: head + 1 + count });
      head += count;
    },
    /** Slots that were lost on the way to this edge: nobody said that they do not exist. */
    lose(count: number) {
      head += count;
    },
  };
}
type Space = ReturnType<typeof createSpace>;

/** A connection whose far end takes frames when told, and what it checks of all it took. */
function createEar(space: Space) {
  const slots: number[] = [];
  const skipped: { from: number; to: number }[] = [];
  const faults: string[] = [];
  const kinds: string[] = [];
  let stateSeq = 0;
  let connection: { pipe: ListenerPipe; queue: Buffer[]; flushes: (() => void)[]; listener: Listener } | undefined;
  let closed: { code: number; reason: string } | undefined;
  let mostUnsent = 0;

  function hear(websocketFrame: Buffer): void {
    const headerBytes = (websocketFrame[1] as number) < 126 ? 2 : websocketFrame[1] === 126 ? 4 : 10;
    if (websocketFrame[0] === 0x89) return;
    const frame = decodeFrame(websocketFrame.subarray(headerBytes));
    assert.ok(frame);
    kinds.push(frame.kind);
    if (frame.kind === "snapshot") stateSeq = Math.max(stateSeq, frame.snapshot.state.seq);
    if (frame.kind === "state") stateSeq = frame.entries.at(-1)?.seq ?? stateSeq;
    if (frame.kind === "notice" && frame.notice.kind === "skipped") skipped.push(frame.notice);
    if (frame.kind !== "sound") return;
    for (const { slot } of frame.fragments) {
      const due = space.kept.entriesAfter(stateSeq)?.find((entry) => entry.slot <= slot);
      if (due && due.seq <= knownSeq) faults.push(`slot ${slot} before the entry ${due.seq} of slot ${due.slot}`);
      slots.push(slot);
    }
  }

  // Entries that were made after the frame was written cannot be before it.
  let knownSeq = 0;
  const knownSeqs = new WeakMap<Buffer, number>();

  return {
    slots,
    skipped,
    faults,
    kinds,
    get closed() {
      return closed;
    },
    get unsentBytes() {
      return connection?.pipe.unsentBytes ?? 0;
    },
    get mostUnsent() {
      return mostUnsent;
    },
    get listener() {
      return connection?.listener as Listener;
    },
    get isConnected() {
      return connection !== undefined && !closed;
    },
    connect(cursor: ListenCursor = FRESH) {
      const queue: Buffer[] = [];
      const flushes: (() => void)[] = [];
      closed = undefined;
      const pipe: ListenerPipe = {
        write(frame, flushed) {
          knownSeqs.set(frame, space.kept.state.seq);
          queue.push(frame);
          if (flushed) flushes.push(flushed);
          mostUnsent = Math.max(mostUnsent, pipe.unsentBytes);
        },
        get unsentBytes() {
          return queue.reduce((total, { length }) => total + length, 0);
        },
        close(code, reason) {
          closed = { code, reason };
        },
        terminate() {
          closed = { code: 1006, reason: "" };
        },
      };
      const start = { pipe, following: space.following, cursor, cadence: FASTEST, nowMs: space.clock.monotonicMs() };
      connection = { pipe, queue, flushes, listener: new Listener(start) };
    },
    /** Takes up to `count` frames off the wire. */
    take(count = Infinity) {
      if (!connection) return;
      for (let i = 0; i < count && connection.queue.length > 0; i++) {
        const frame = connection.queue.shift() as Buffer;
        knownSeq = knownSeqs.get(frame) ?? 0;
        hear(frame);
      }
      if (connection.queue.length === 0) for (const flushed of connection.flushes.splice(0)) flushed();
    },
    visit() {
      connection?.listener.visit(space.clock.monotonicMs());
    },
    /** What is on the wire is lost. */
    disconnect() {
      connection?.listener.end();
      connection = undefined;
    },
    cursor(): ListenCursor {
      const last = slots.at(-1);
      return { rendition: "32", nextSlot: last === undefined ? undefined : last + 1, stateSeq };
    },
  };
}

/** Every slot once and in order, and every slot passed over named by the log or by a notice that came before. */
function assertWhole(space: Space, ear: ReturnType<typeof createEar>): void {
  assert.deepEqual(ear.faults, []);
  const absent = [...space.kept.state.absences, ...ear.skipped];
  for (let i = 1; i < ear.slots.length; i++) {
    const [before, slot] = [ear.slots[i - 1] as number, ear.slots[i] as number];
    assert.ok(slot > before, `slot ${slot} after ${before}`);
    for (let missing = before + 1; missing < slot; missing++) {
      const isNamed = absent.some(({ from, to }) => missing >= from && missing < to);
      assert.ok(isNamed, `slot ${missing} is missing and nobody said so`);
    }
  }
}

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
      if (what === "speak") space.speak(count, packetBytes);
      else if (what === "late") space.speak(count, packetBytes);
      else if (what === "leaveOut") space.leaveOut(count);
      else if (what === "lose") space.lose(count);
      else if (what === "state") space.state({ kind: "title", title: "Another" });
      else if (what === "take") ear.take(count);
      else if (what === "disconnect") ear.disconnect();
      else if (what === "connect" && !ear.isConnected) ear.connect(ear.cursor());
      else if (what === "visit") {
        for (let i = 0; i < count; i++) {
          space.clock.advance(200);
          ear.visit();
        }
      }
    }
    // At last the network holds, and everything comes.
    for (let i = 0; i < 60; i++) {
      if (!ear.isConnected) ear.connect(ear.cursor());
      ear.take();
      space.clock.advance(200);
      ear.visit();
    }
    ear.take();
    assertWhole(space, ear);
    const head = space.kept.ring("32").head;
    if (head >= 0) assert.equal(ear.slots.at(-1), head);
    assert.ok(ear.mostUnsent <= MAX_UNSENT_BYTES * 1.5 + MAX_FRAME_BYTES * 2);
  };
  fc.assert(fc.property(fc.array(step, { maxLength: 80 }), fc.constantFrom(20, 80, 600), run), { numRuns: 400 });
});

test("a newcomer begins as far back as its cadence needs, a space without sound from its first slot", () => {
  for (const { cadenceMs, flightSlots } of CADENCE_TABLE) assert.ok(flightSlots * 200 > cadenceMs + 1_400);
  const space = createSpace();
  const ear = createEar(space);
  ear.connect();
  ear.take();
  space.speak(3);
  ear.visit();
  ear.take();
  assert.deepEqual(ear.slots, [0, 1, 2]);
});

test("a reader that takes nothing is bounded, moved to the head once, then closed with the place to resume", () => {
  const space = createSpace();
  space.speak(20);
  const ear = createEar(space);
  ear.connect();
  ear.take();
  const seconds = (count: number) => {
    for (let i = 0; i < count * 5; i++) {
      space.speak();
      space.clock.advance(200);
      ear.visit();
    }
  };
  seconds(1);
  ear.take();
  seconds(6);
  assert.ok(ear.isConnected);
  assert.ok(ear.unsentBytes <= MAX_UNSENT_BYTES);
  ear.take();
  ear.visit();
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
    ear.visit();
  }
  assert.equal(ear.slots.at(-1), space.head);
  assertWhole(space, ear);
});

test("a resume from before what is kept names what is skipped, then goes on in order", () => {
  const space = createSpace();
  space.speak(KEPT_SLOTS * 2);
  const ear = createEar(space);
  ear.slots.push(9);
  ear.connect({ rendition: "32", nextSlot: 10, stateSeq: 0 });
  for (let i = 0; i < 20; i++) {
    ear.take();
    ear.visit();
  }
  assert.deepEqual(ear.skipped, [{ kind: "skipped", from: 10, to: KEPT_SLOTS }]);
  assert.equal(ear.slots.length, 1 + KEPT_SLOTS);
  assertWhole(space, ear);
});

test("a place far beyond the head is closed with 4401, one that another edge may have reached is waited for", () => {
  const space = createSpace();
  space.speak(10);
  const stray = createEar(space);
  stray.connect({ rendition: "32", nextSlot: 4_000_000, stateSeq: undefined });
  assert.equal(stray.closed?.code, 4401);
  const ahead = createEar(space);
  ahead.connect({ rendition: "32", nextSlot: 12, stateSeq: undefined });
  space.speak(5);
  ahead.visit();
  ahead.take();
  assert.deepEqual(ahead.slots, [12, 13, 14]);
});

test("the entries of a slot come before its sound, and a listener that comes back gets those it missed", () => {
  const space = createSpace();
  space.speak(10);
  const ear = createEar(space);
  ear.connect();
  ear.take();
  ear.disconnect();
  space.state({ kind: "title", title: "Another" });
  space.speak(3);
  ear.connect(ear.cursor());
  ear.take();
  assert.deepEqual(ear.kinds.slice(-3), ["snapshot", "state", "sound"]);
  assertWhole(space, ear);
});

test("the order of state and sound holds for a listener that is far behind as well", () => {
  const space = createSpace();
  space.speak(80, 600);
  const ear = createEar(space);
  ear.connect({ rendition: "32", nextSlot: 0, stateSeq: 0 });
  space.state({ kind: "title", title: "Another" });
  space.speak(1, 600);
  for (let i = 0; i < 20; i++) ear.take();
  assert.equal(ear.slots.at(-1), space.head);
  assertWhole(space, ear);
});

test("an ended space is closed with 4410 after its last sound", () => {
  const space = createSpace();
  space.speak(10);
  const ear = createEar(space);
  ear.connect();
  space.state({ kind: "ended" });
  space.speak(1);
  ear.visit();
  assert.ok(ear.isConnected);
  space.clock.advance(1_000);
  ear.visit();
  assert.equal(ear.closed?.code, 4410);
  ear.take();
  assert.equal(ear.slots.at(-1), 10);
});

test("the stage's going and coming, the audience and a space that is no more are told", () => {
  const space = createSpace();
  space.speak(10);
  const ear = createEar(space);
  ear.connect();
  space.flags.isAway = true;
  ear.visit();
  space.flags.isAway = false;
  space.flags.audience = 7;
  space.flags.version = 1;
  ear.visit();
  ear.take();
  assert.deepEqual(ear.kinds.slice(-3), ["notice", "notice", "notice"]);
  space.flags.isGone = true;
  ear.visit();
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
    other.listener.hearControl(space.clock.monotonicMs());
    for (const one of [ear, other]) {
      if (one.isConnected) one.visit();
      one.take();
    }
  }
  assert.equal(ear.closed?.code, 1006);
  assert.ok(other.isConnected);
});

test("another rendition begins with the next slot", () => {
  const space = createSpace();
  space.speak(10);
  const ear = createEar(space);
  ear.connect();
  ear.listener.hear('{"kind":"rendition","rendition":"16"}', 0, 0);
  space.speak(2);
  ear.visit();
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
      for (const text of all) if (!ear.closed) ear.listener.hear(text, 0, 0);
      assert.ok(ear.closed === undefined || ear.closed.code === 4402 || ear.closed.code === 4429);
      if (all.length > 5) assert.ok(ear.closed);
    }),
  );
});
