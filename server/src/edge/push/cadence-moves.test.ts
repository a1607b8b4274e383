import assert from "node:assert/strict";
import { test } from "node:test";
import { usualLagMs } from "@hustings/wire/listen/cadence.ts";
import { cadenceRow, FASTEST, firstCadence, MOVE_TIMEOUT_MS, nextCadence } from "../load/cadence-table.ts";
import { assertWhole, createAdvice, createFarEnd, createSpace } from "../testing/listener-fixture.ts";

test("asks a listener once, moves it to what its buffer holds, and at last to the wanted cadence", () => {
  const moves: number[] = [];
  const advice = createAdvice((cadenceMs) => moves.push(cadenceMs));
  const space = createSpace();
  space.appendSlots(20);
  const farEnd = createFarEnd(space, advice);
  farEnd.connect();
  const sayReady = (cadenceMs: number) => {
    farEnd.take();
    farEnd.listener.receive(JSON.stringify({ kind: "ready", cadenceMs }), space.clock.monotonicMs(), 0);
    space.clock.advance(1_000);
    farEnd.take();
  };
  sayReady(1_000);
  assert.deepEqual(moves, [], "the edge did not ask yet");
  advice.wanted = cadenceRow(4_000);
  farEnd.push();
  farEnd.push();
  sayReady(400);
  sayReady(400);
  sayReady(2_000);
  sayReady(8_000);
  assert.deepEqual(moves, [400, 2_000, 4_000]);
  assert.deepEqual(
    farEnd.notices.map((notice) => [notice.kind, "cadenceMs" in notice ? notice.cadenceMs : 0]),
    [
      ["target", 4_000],
      ["cadence", 400],
      ["cadence", 2_000],
      ["cadence", 4_000],
    ],
  );
  advice.wanted = FASTEST;
  farEnd.push();
  sayReady(200);
  assert.equal(moves.at(-1), 200);
});

test("sends the pending sound before it moves a listener", () => {
  const advice = createAdvice();
  const space = createSpace();
  space.appendSlots(20);
  const farEnd = createFarEnd(space, advice);
  farEnd.connect();
  advice.wanted = cadenceRow(1_000);
  farEnd.push();
  farEnd.take();
  space.appendSlots(3);
  farEnd.listener.receive(JSON.stringify({ kind: "ready", cadenceMs: 1_000 }), 0, 0);
  farEnd.take();
  assert.equal(farEnd.slots.at(-1), 22);
  assert.equal(farEnd.kinds.at(-1), "notice");
  assertWhole(space, farEnd);
});

test("moves a listener that never gets ready after five minutes, not before", () => {
  const moves: number[] = [];
  const advice = createAdvice((cadenceMs) => moves.push(cadenceMs));
  const space = createSpace();
  space.appendSlots(20);
  const farEnd = createFarEnd(space, advice);
  farEnd.connect();
  advice.wanted = cadenceRow(8_000);
  for (let ms = 0; ms <= MOVE_TIMEOUT_MS; ms += 10_000) {
    assert.deepEqual(moves, []);
    farEnd.push();
    farEnd.take();
    farEnd.listener.receiveControl(space.clock.monotonicMs());
    space.clock.advance(10_000);
  }
  assert.deepEqual(moves, [8_000]);
});

test("asks listeners for a new reserve without moving them, and starts newcomers with it", () => {
  const moves: number[] = [];
  const advice = createAdvice((cadenceMs) => moves.push(cadenceMs));
  const space = createSpace();
  space.appendSlots(200);
  const [before, newcomer] = [createFarEnd(space, advice), createFarEnd(space, advice)];
  advice.wanted = cadenceRow(2_000);
  before.connect();
  advice.wanted = cadenceRow(2_000, 8_000);
  for (let ms = 0; ms <= MOVE_TIMEOUT_MS; ms += 10_000) {
    before.push();
    before.take();
    before.listener.receiveControl(space.clock.monotonicMs());
    space.clock.advance(10_000);
  }
  assert.deepEqual(before.notices, [{ kind: "target", cadenceMs: 2_000, reserveMs: 8_000 }]);
  assert.deepEqual(moves, []);
  newcomer.connect();
  newcomer.take();
  assert.deepEqual(newcomer.notices, []);
  assert.ok(
    newcomer.slots.length * 200 >= usualLagMs(cadenceRow(2_000), 8_000) + 400,
    `${newcomer.slots.length} slots`,
  );
});

test("applies no reserve at 0.2 and 0.4 s, and limits a larger one to the maximum", () => {
  assert.equal(cadenceRow(200, 12_000).reserveMs, 0);
  assert.equal(cadenceRow(400, 12_000).firstSendSlots, cadenceRow(400).firstSendSlots);
  assert.equal(cadenceRow(1_000, 99_000).reserveMs, 12_000);
  assert.equal(cadenceRow(8_000, 3_000), cadenceRow(8_000, 4_000), "a reserve is rounded up to a whole step");
  assert.equal(firstCadence(cadenceRow(8_000, 4_000), false, 1_500), cadenceRow(1_000, 4_000));
});

test("starts newcomers at the wanted cadence, and resuming listeners no slower than their buffer", () => {
  const [fast, slow] = [cadenceRow(400), cadenceRow(8_000)];
  assert.equal(firstCadence(slow, true, 200), slow);
  assert.equal(firstCadence(slow, false, 1_500).cadenceMs, 1_000);
  assert.equal(firstCadence(slow, false, 0), FASTEST);
  assert.equal(firstCadence(fast, false, 60_000), fast);
  assert.equal(nextCadence(slow, fast, 8_000), fast);
  assert.equal(nextCadence(fast, fast, 8_000), undefined);
  assert.equal(nextCadence(fast, slow, 300), undefined);
});
