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
import { createAdmission, EMPTY_TURN_MS, QUIET_TURN_MS, TURN_MS } from "./admission.ts";
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
  const admitted: string[] = [];
  const wait = (name: string, shape: Partial<Waiter> = {}) => {
    const notices: (Notice & { kind: "waiting" })[] = [];
    const waiter: Waiter = {
      isReturning: false,
      hasWaited: false,
      claim: "",
      sinceUtcMs: clock.utcMs(),
      send(bytes) {
        const frame = decodeFrame(bytes.subarray(bytes[1] === 126 ? 4 : 2));
        if (frame?.kind === "notice" && frame.notice.kind === "waiting") notices.push(frame.notice);
      },
      admit: () => admitted.push(name),
      redirect: () => admitted.push(`${name} elsewhere`),
      ...shape,
    };
    admission.wait(waiter);
    return { waiter, notices, places: () => notices.map(({ place: position }) => position) };
  };
  return { clock: manual, admission, loads, admitted, wait };
}

test("admits newcomers up to the limit, and resuming listeners a little beyond it", () => {
  const { admission } = open({ listeners: 2, returning: 1 });
  assert.deepEqual(
    [false, false, false].map((isReturning) => admission.enter(isReturning, false)),
    [true, true, false],
  );
  assert.deepEqual([admission.enter(true, false), admission.enter(true, false)], [true, false]);
  admission.leave();
  assert.equal(admission.enter(false, false), false, "places of resuming listeners count");
});

test("admits the queue in order as places come free, resuming listeners first", () => {
  const { clock, admission, admitted, wait } = open({ listeners: 1, returning: 0 });
  admission.enter(false, false);
  const [ann, ben] = [wait("ann"), wait("ben")];
  wait("cy", { isReturning: true });
  wait("dee", { sinceUtcMs: clock.utcMs() - 60_000, hasWaited: true });
  assert.deepEqual([ann.places(), ben.places()], [[1], [2]]);
  for (let count = 0; count < 4; count++) {
    admission.leave();
    clock.advance(TURN_MS * 10);
  }
  assert.deepEqual(admitted, ["cy", "dee", "ann", "ben"]);
  assert.deepEqual(ann.places(), [1, 2, 1], "a changed position is sent again");
});

test("sends a waiter its true position, and a wait estimated from the rate of admission", () => {
  const { clock, admission, wait } = open({ listeners: 10, returning: 0 });
  for (let count = 0; count < 10; count++) admission.enter(false, false);
  const queue = Array.from({ length: 100 }, (_, i) => wait(`p${i}`));
  assert.equal(queue[99]?.notices.at(-1)?.estimateMs, null, "nobody has left yet");
  for (let second = 0; second < 30; second++) {
    admission.leave();
    clock.advance(1_000);
  }
  const last = queue[99]?.notices.at(-1);
  assert.ok(last !== undefined && Math.abs(last.place - 70) <= 2, `place ${last?.place}`);
  const seconds = Number(last.estimateMs) / 1_000;
  assert.ok(seconds > 60 && seconds < 85, `${seconds} s for ${last.place} places at one a second`);
});

test("keeps the queue in order of waiting time through arrivals and departures", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("wait" as const), agoMs: fc.integer({ min: 0, max: 10_000 }) }),
    fc.record({ kind: fc.constant("gone" as const), pick: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { clock, admission, admitted, wait } = open({ listeners: 0, returning: 0, queued: 40 });
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
      assert.deepEqual(admitted, [...there.keys()].toSorted());
    }),
    { numRuns: 60 },
  );
});

test("refuses with a jittered retry time when the queue is full, and admits nobody after it was closed", () => {
  const { admission, wait } = open({ listeners: 0, returning: 0, queued: 1 });
  wait("ann");
  assert.throws(() => wait("ben"), { code: "full", retryAfterMs: 20_000 });
  assert.throws(() => wait("cy", { isReturning: true }), { code: "full", retryAfterMs: 1_000 });
  admission.close();
  assert.equal(admission.enter(true, true), false);
  assert.throws(() => wait("cy"), { code: "draining" });
});

test("redirects the first waiters to free places at other edges, each place once", () => {
  let instruction: AcceptInstruction = { isOpen: true, elsewherePlaces: 0, elsewhereWaiting: 0 };
  const { clock, admission, admitted, wait } = open({ listeners: 0, returning: 0 }, { instruction: () => instruction });
  for (const name of ["ann", "ben", "cy"]) wait(name);
  assert.equal(admission.tier, "waiting");
  instruction = { ...instruction, elsewherePlaces: 2 };
  assert.equal(admission.tier, "push");
  clock.advance(1_500);
  assert.deepEqual(admitted, ["ann elsewhere", "ben elsewhere"]);
});

test("turns nobody away while there are places, even when other edges redirect more than the queue holds", () => {
  const { clock, admission, admitted, wait } = open({ listeners: 5, returning: 0, queued: 2 });
  const shape = { sinceUtcMs: clock.utcMs() - 60_000, isKnown: true };
  for (const name of ["ann", "ben", "cy", "dee"]) {
    assert.equal(admission.enter(false, true), false, "the queue goes first");
    wait(name, shape);
  }
  assert.deepEqual(admitted, ["ann", "ben"], "the first waiter makes room");
  clock.advance(3_000);
  assert.deepEqual(admitted, ["ann", "ben", "cy", "dee"]);
});

test("gives a place to listeners that waited elsewhere first, and to its own newcomers after two seconds", () => {
  const instruction: AcceptInstruction = { isOpen: true, elsewherePlaces: 0, elsewhereWaiting: 5 };
  const { clock, admission, admitted, wait } = open({ listeners: 1, returning: 0 }, { instruction: () => instruction });
  assert.equal(admission.enter(false, false), false);
  wait("ann");
  clock.advance(1_000);
  wait("ben, from elsewhere", { sinceUtcMs: clock.utcMs() - 60_000, hasWaited: true });
  clock.advance(1_500);
  assert.deepEqual(admitted, [], "others may have stood before ben");
  clock.advance(1_500);
  assert.deepEqual(admitted, ["ben, from elsewhere"]);
  admission.leave();
  clock.advance(TURN_MS);
  assert.deepEqual(admitted, ["ben, from elsewhere", "ann"]);
});

test("restores the order of a broken queue before it admits anyone of it, however its listeners reconnect", () => {
  const { clock, admission, admitted, wait } = open({ listeners: 2, returning: 0 });
  const since = clock.utcMs() - 60_000;
  for (const position of [3, 1, 2]) {
    assert.equal(admission.enter(false, true), false, "earlier waiters go first although there are places");
    wait(`at place ${position}`, { sinceUtcMs: since + position, hasWaited: true });
    clock.advance(600);
  }
  assert.equal(admission.enter(false, false), false, "newcomers stand behind them");
  wait("new");
  clock.advance(5_000);
  assert.deepEqual(admitted, ["at place 1", "at place 2"]);
});

test("redirects a whole queue from an edge that stopped accepting to the edge that has the open queue", () => {
  let instruction: AcceptInstruction = { isOpen: true, elsewherePlaces: 0, elsewhereWaiting: 3 };
  const { clock, admitted, wait } = open({ listeners: 0, returning: 0 }, { instruction: () => instruction });
  wait("ann");
  wait("ben");
  clock.advance(5_000);
  assert.deepEqual(admitted, []);
  instruction = { ...instruction, isOpen: false };
  clock.advance(TURN_MS);
  assert.deepEqual(admitted, ["ann elsewhere", "ben elsewhere"]);
});

test("an edge above its memory limit is full until memory falls, and reports both at the next turn", () => {
  let memoryBytes = 0;
  const { clock, admission, loads } = open({ listeners: 5, memoryBytes: 100 }, { memoryBytes: () => memoryBytes });
  admission.enter(false, false);
  clock.advance(QUIET_TURN_MS);
  memoryBytes = 101;
  clock.advance(QUIET_TURN_MS);
  assert.equal(admission.enter(false, false), false);
  memoryBytes = 99;
  clock.advance(QUIET_TURN_MS);
  assert.deepEqual(
    loads.map(({ places: positions }) => positions),
    [4, 0, 4],
  );
});

test("an edge that nobody listens to looks every five seconds, and every second from the first listener on", () => {
  let looks = 0;
  const { clock, admission } = open(
    { listeners: 5 },
    {
      memoryBytes: () => {
        looks += 1;
        return 0;
      },
    },
  );
  clock.advance(EMPTY_TURN_MS * 10);
  const empty = looks;
  admission.enter(false, false);
  clock.advance(QUIET_TURN_MS * 10);
  assert.ok(empty >= 9 && empty <= 10, `${empty}`);
  assert.ok(looks - empty >= 9 && looks - empty <= 10, `${looks - empty}`);
});

test("stops admitting after six turns that are seconds late, and resumes after as many on time", () => {
  let lateMs = 0;
  const clockOf = (manual: Clock): Clock => ({
    ...manual,
    after: (delayMs, run) => manual.after(delayMs + lateMs, run),
  });
  const { admission, clock } = open({ listeners: 5 }, { clockOf });
  admission.enter(false, false);
  clock.advance(EMPTY_TURN_MS);
  const positions: number[] = [];
  for (const late of [0, 3_000, 0]) {
    lateMs = late;
    for (let turn = 0; turn < 8; turn++) clock.advance(QUIET_TURN_MS + late);
    positions.push(admission.load.places);
  }
  assert.deepEqual(positions, [4, 0, 4]);
});

test("at a full edge a newcomer waits on its connection, gets its position, and the snapshot when it is admitted", async () => {
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
