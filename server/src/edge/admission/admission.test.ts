// Proves who comes in when, with a manual clock: the budgets, the order of the line, what is told, and where to go.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "@hustings/flow/clock.ts";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { decodeFrame, type Notice } from "@hustings/wire/listen/frames.ts";
import fc from "fast-check";
import { SILENT } from "../../ops/logger.ts";
import type { AcceptInstruction, EdgeLoad } from "../../ops/process/role-message.ts";
import { SPACE } from "../../replica/testing/fake-upstream.ts";
import { EDGE_LIMITS, type EdgeLimits } from "../edge-limits.ts";
import { advanceUntil, get, listen, startFixture } from "../testing/edge-fixture.ts";
import { createAdmission, TURN_MS } from "./admission.ts";
import type { Waiter } from "./admission-queue.ts";

interface More {
  readonly instruction?: () => AcceptInstruction | undefined;
  readonly memoryBytes?: () => number;
  readonly clockOf?: (manual: Clock) => Clock;
}

function open(limits: Partial<EdgeLimits>, more: More = {}) {
  const manual = manualClock();
  const clock = more.clockOf?.(manual) ?? manual;
  const loads: EdgeLoad[] = [];
  const admission = createAdmission({
    clock,
    limits: { ...EDGE_LIMITS, ...limits },
    random: () => 0.5,
    log: SILENT,
    memoryBytes: more.memoryBytes ?? (() => 0),
    instruction: more.instruction ?? (() => undefined),
    hasPull: false,
    onLoad: (load) => loads.push(load),
  });
  const came: string[] = [];
  const wait = (name: string, shape: Partial<Waiter> = {}) => {
    const notices: (Notice & { kind: "waiting" })[] = [];
    const waiter: Waiter = {
      isReturning: false,
      hasWaited: false,
      sinceUtcMs: clock.utcMs(),
      send(frame) {
        const told = decodeFrame(frame.subarray(frame[1] === 126 ? 4 : 2));
        if (told?.kind === "notice" && told.notice.kind === "waiting") notices.push(told.notice);
      },
      admit: () => came.push(name),
      redirect: () => came.push(`${name} elsewhere`),
      ...shape,
    };
    admission.wait(waiter);
    return { waiter, notices, places: () => notices.map(({ place }) => place) };
  };
  return { clock: manual, admission, loads, came, wait };
}

test("who is new comes in up to the limit, and who comes back a little beyond it", () => {
  const { admission } = open({ listeners: 2, returning: 1 });
  assert.deepEqual(
    [false, false, false].map((isReturning) => admission.enter(isReturning, false)),
    [true, true, false],
  );
  assert.deepEqual([admission.enter(true, false), admission.enter(true, false)], [true, false]);
  admission.leave();
  assert.equal(admission.enter(false, false), false, "the places of those who came back count");
});

test("people in the line are let in by themselves, in order, those who come back first, as places come free", () => {
  const { clock, admission, came, wait } = open({ listeners: 1, returning: 0 });
  admission.enter(false, false);
  const [ann, ben] = [wait("ann"), wait("ben")];
  wait("cy", { isReturning: true });
  wait("dee", { sinceUtcMs: clock.utcMs() - 60_000, hasWaited: true });
  assert.deepEqual([ann.places(), ben.places()], [[1], [2]]);
  for (let count = 0; count < 4; count++) {
    admission.leave();
    clock.advance(TURN_MS * 10);
  }
  assert.deepEqual(came, ["cy", "dee", "ann", "ben"]);
  assert.deepEqual(ann.places(), [1, 2, 1], "a place is told again when it has changed");
});

test("what a waiter is told is true: the place among those who are still there, and the time by the rate of those let in", () => {
  const { clock, admission, wait } = open({ listeners: 10, returning: 0 });
  for (let count = 0; count < 10; count++) admission.enter(false, false);
  const line = Array.from({ length: 100 }, (_, i) => wait(`p${i}`));
  assert.equal(line[99]?.notices.at(-1)?.estimateMs, null, "nobody has left yet");
  // One leaves each second for half a minute.
  for (let second = 0; second < 30; second++) {
    admission.leave();
    clock.advance(1_000);
  }
  const last = line[99]?.notices.at(-1);
  assert.ok(last !== undefined && Math.abs(last.place - 70) <= 2, `place ${last?.place}`);
  const seconds = Number(last.estimateMs) / 1_000;
  assert.ok(seconds > 60 && seconds < 85, `${seconds} s for ${last.place} places at one a second`);
});

test("the order of the line is that of waiting, whatever comes and goes", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("wait" as const), agoMs: fc.integer({ min: 0, max: 10_000 }) }),
    fc.record({ kind: fc.constant("gone" as const), pick: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { clock, admission, came, wait } = open({ listeners: 0, returning: 0, queued: 40 });
      const there = new Map<string, Waiter>();
      for (const [i, one] of steps.entries()) {
        if (one.kind === "wait" && there.size < 40) {
          const sinceUtcMs = clock.utcMs() - one.agoMs;
          const name = `${String(sinceUtcMs).padStart(16, "0")} ${String(i).padStart(3, "0")}`;
          there.set(name, wait(name, { sinceUtcMs }).waiter);
        } else if (one.kind === "gone" && there.size > 0) {
          const name = [...there.keys()][one.pick % there.size] as string;
          admission.abandon(there.get(name) as Waiter);
          there.delete(name);
        }
      }
      for (let count = 0; count < 60; count++) admission.leave();
      clock.advance(TURN_MS);
      assert.deepEqual(came, [...there.keys()].toSorted());
    }),
    { numRuns: 60 },
  );
});

test("a line that is full refuses with a time that is spread, and a door that closes lets nobody in", () => {
  const { admission, wait } = open({ listeners: 0, returning: 0, queued: 1 });
  wait("ann");
  assert.throws(() => wait("ben"), { code: "full", retryAfterMs: 20_000 });
  assert.throws(() => wait("cy", { isReturning: true }), { code: "full", retryAfterMs: 1_000 });
  admission.close();
  assert.equal(admission.enter(true, true), false);
  assert.throws(() => wait("cy"), { code: "draining" });
});

test("places at other edges are given to the first of the line, no more than there are, and not twice", () => {
  let instruction: AcceptInstruction = { isOpen: true, elsewherePlaces: 0, elsewhereWaiting: 0 };
  const { clock, admission, came, wait } = open({ listeners: 0, returning: 0 }, { instruction: () => instruction });
  for (const name of ["ann", "ben", "cy"]) wait(name);
  assert.equal(admission.tier, "waiting");
  instruction = { ...instruction, elsewherePlaces: 2 };
  assert.equal(admission.tier, "push");
  clock.advance(1_500);
  assert.deepEqual(came, ["ann elsewhere", "ben elsewhere"]);
});

test("more come from other lines than this one holds: nobody is turned away while there are places", () => {
  const { clock, admission, came, wait } = open({ listeners: 5, returning: 0, queued: 2 });
  const shape = { sinceUtcMs: clock.utcMs() - 60_000, isKnown: true };
  for (const name of ["ann", "ben", "cy", "dee"]) {
    assert.equal(admission.enter(false, true), false, "nobody passes by those who wait");
    wait(name, shape);
  }
  assert.deepEqual(came, ["ann", "ben"], "whoever is first makes room");
  clock.advance(3_000);
  assert.deepEqual(came, ["ann", "ben", "cy", "dee"]);
});

test("while others wait elsewhere a place goes to those who waited before, and after two seconds to whoever is here", () => {
  const instruction: AcceptInstruction = { isOpen: true, elsewherePlaces: 0, elsewhereWaiting: 5 };
  const { clock, admission, came, wait } = open({ listeners: 1, returning: 0 }, { instruction: () => instruction });
  assert.equal(admission.enter(false, false), false);
  wait("ann");
  clock.advance(1_000);
  wait("ben, from elsewhere", { sinceUtcMs: clock.utcMs() - 60_000, hasWaited: true });
  clock.advance(1_500);
  assert.deepEqual(came, [], "ben is the first, and others may have stood before him");
  clock.advance(1_500);
  assert.deepEqual(came, ["ben, from elsewhere"]);
  admission.leave();
  clock.advance(TURN_MS);
  assert.deepEqual(came, ["ben, from elsewhere", "ann"]);
});

test("a line that broke stands again in its order, however its people come back, before anyone of it gets in", () => {
  const { clock, admission, came, wait } = open({ listeners: 2, returning: 0 });
  const since = clock.utcMs() - 60_000;
  for (const place of [3, 1, 2]) {
    assert.equal(admission.enter(false, true), false, "there are places, and yet those before them come first");
    wait(`at place ${place}`, { sinceUtcMs: since + place, hasWaited: true });
    clock.advance(600);
  }
  assert.equal(admission.enter(false, false), false, "who is new stands behind them");
  wait("new");
  clock.advance(5_000);
  assert.deepEqual(came, ["at place 1", "at place 2"]);
});

test("of two lines the one at a shut door goes whole to the one that keeps it", () => {
  let instruction: AcceptInstruction = { isOpen: true, elsewherePlaces: 0, elsewhereWaiting: 3 };
  const { clock, came, wait } = open({ listeners: 0, returning: 0 }, { instruction: () => instruction });
  wait("ann");
  wait("ben");
  clock.advance(5_000);
  assert.deepEqual(came, []);
  instruction = { ...instruction, isOpen: false };
  clock.advance(TURN_MS);
  assert.deepEqual(came, ["ann elsewhere", "ben elsewhere"]);
});

test("an edge whose memory is used up is full until it is not, and its parent hears both at the next turn", () => {
  let memoryBytes = 0;
  const { clock, admission, loads } = open({ listeners: 5, memoryBytes: 100 }, { memoryBytes: () => memoryBytes });
  clock.advance(TURN_MS);
  memoryBytes = 101;
  clock.advance(TURN_MS);
  assert.equal(admission.enter(false, false), false);
  memoryBytes = 99;
  clock.advance(TURN_MS);
  assert.deepEqual(
    loads.map(({ places }) => places),
    [5, 0, 5],
  );
});

test("a loop that is seconds late six times on end takes nobody more, until it has been in time as often", () => {
  let lateMs = 0;
  const clockOf = (manual: Clock): Clock => ({
    ...manual,
    after: (delayMs, run) => manual.after(delayMs + lateMs, run),
  });
  const { admission, clock } = open({ listeners: 5 }, { clockOf });
  const places: number[] = [];
  for (const late of [0, 3_000, 0]) {
    lateMs = late;
    for (let turn = 0; turn < 8; turn++) clock.advance(TURN_MS + late);
    places.push(admission.load.places);
  }
  assert.deepEqual(places, [5, 0, 5]);
});

test("at a full edge a newcomer waits on the same connection, hears its place, and gets the snapshot when it is their turn", async () => {
  await using fixture = await startFixture({ limits: { listeners: 1, returning: 0 } });
  const { edge, stage, clock } = fixture;
  await stage.create(SPACE);
  const inside = listen(edge.port);
  await inside.until(() => inside.got.length > 0);
  const [ann, ben] = [listen(edge.port), listen(edge.port)];
  const placeOf = ({ got }: typeof ann) => {
    const last = got.findLast((one) => one.kind === "notice" && one.notice.kind === "waiting");
    return last?.kind === "notice" && last.notice.kind === "waiting" ? last.notice.place : undefined;
  };
  for (const one of [ann, ben]) await one.until(() => placeOf(one) !== undefined);
  assert.deepEqual([placeOf(ann), placeOf(ben)].toSorted(), [1, 2]);
  const [first, second] = placeOf(ann) === 1 ? [ann, ben] : [ben, ann];
  const room = JSON.parse((await get(edge.port, `/api/spaces/${SPACE}/room`)).body);
  assert.deepEqual([room.tier, room.line.count, room.again.spreadMs], ["waiting", 2, 20_000]);
  inside.socket.close();
  await advanceUntil(clock, () => first.got.some(({ kind }) => kind === "snapshot"));
  await advanceUntil(clock, () => placeOf(second) === 1);
  assert.ok(!second.got.some(({ kind }) => kind === "snapshot"));
  assert.equal(edge.listeners, 2, "one listens, one waits");
});
