import assert from "node:assert/strict";
import { test } from "node:test";
import { CADENCE_LADDER, usualLagMs } from "@hustings/wire/listen/cadence.ts";
import type { ListenRequest } from "../socket/listen-request.ts";
import { createFirstSendQueue, firstSendDueMs, TURN_MS } from "./first-send-queue.ts";

const FLIGHT_MS = 0.25;

/** A loop whose turns a test makes, and whose time passes only with first sends. */
function startLoop(limit = 100_000) {
  let nowMs = 1_000;
  let turns: (() => void)[] = [];
  const sends = createFirstSendQueue({ monotonicMs: () => nowMs }, limit, (turn) => turns.push(turn));
  const begun: number[] = [];
  return {
    flights: sends,
    begun,
    get nowMs() {
      return nowMs;
    },
    add: (name: number, dueMs: number) =>
      sends.add(() => {
        nowMs += FLIGHT_MS;
        begun.push(name);
      }, dueMs),
    /** Runs one turn and returns its duration. */
    turn() {
      const sinceMs = nowMs;
      const due = turns;
      turns = [];
      for (const one of due) one();
      return nowMs - sinceMs;
    },
  };
}

const back = (nextSlot: number, heldCadenceMs: number): ListenRequest => ({
  rendition: "32",
  nextSlot,
  stateSeq: undefined,
  heldCadenceMs,
});

test("spreads 2,000 first sends over many short turns, so that other listeners are served in between", () => {
  const loop = startLoop();
  for (let i = 0; i < 2_000; i++) loop.add(i, loop.nowMs);
  let turns = 0;
  for (; loop.flights.size > 0; turns++) {
    const tookMs = loop.turn();
    assert.ok(tookMs > 0 && tookMs <= TURN_MS + FLIGHT_MS, `${tookMs} ms`);
    assert.ok(turns < 1_000);
  }
  assert.equal(turns, (2_000 * FLIGHT_MS) / TURN_MS);
  assert.deepEqual(
    loop.begun,
    Array.from({ length: 2_000 }, (_, i) => i),
  );
  assert.equal(loop.turn(), 0, "nothing is left to do");
});

test("sends first to the listener whose sound runs out first, whenever it arrived", () => {
  const loop = startLoop();
  const dueMs = Array.from({ length: 1_000 }, (_, i) => (i * 7_919) % 1_000);
  for (const [i, due] of dueMs.slice(0, 900).entries()) loop.add(i, due);
  loop.turn();
  const first = loop.begun.length;
  for (const [i, due] of dueMs.slice(900).entries()) loop.add(900 + i, due);
  while (loop.flights.size > 0) loop.turn();
  const rest = loop.begun.slice(first).map((i) => dueMs[i]);
  assert.deepEqual(
    rest,
    rest.toSorted((a = 0, b = 0) => a - b),
  );
  assert.equal(new Set(loop.begun).size, 1_000);
});

test("a first send is due when the listener's buffer is empty, at any cadence; a newcomer's within a second", () => {
  for (const rung of CADENCE_LADDER) {
    const head = 10_000;
    const justServed = firstSendDueMs(back(head + 1, rung.cadenceMs), head, 0);
    const longAgo = firstSendDueMs(back(head + 1 - rung.cadenceMs / 200, rung.cadenceMs), head, 0);
    assert.deepEqual([justServed, longAgo], [usualLagMs(rung), rung.marginMs]);
  }
  assert.equal(firstSendDueMs(back(1, 200), 10_000, 5_000), 5_000, "an empty buffer makes it due now");
  assert.equal(firstSendDueMs({ ...back(0, 0), nextSlot: undefined }, null, 5_000), 6_000);
});

test("refuses a first send beyond the limit", () => {
  const loop = startLoop(2);
  assert.deepEqual([loop.add(1, 0), loop.add(2, 0), loop.add(3, 0)], [true, true, false]);
});
