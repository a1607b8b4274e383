// Proves how a listener at an edge is asked for another cadence or reserve, and moved.

import assert from "node:assert/strict";
import { test } from "node:test";
import { usualLagMs } from "@hustings/wire/listen/cadence.ts";
import { cadenceRow, FASTEST, firstCadence, MOVE_TIMEOUT_MS, nextCadence } from "../load/cadence-table.ts";
import { assertWhole, createAdvice, createEar, createSpace } from "../testing/listener-fixture.ts";

test("a listener is asked once, moved to what it says it holds, and at last to what is wanted", () => {
  const moves: number[] = [];
  const advice = createAdvice((cadenceMs) => moves.push(cadenceMs));
  const space = createSpace();
  space.appendSlots(20);
  const ear = createEar(space, advice);
  ear.connect();
  const said = (cadenceMs: number) => {
    ear.take();
    ear.listener.receive(JSON.stringify({ kind: "ready", cadenceMs }), space.clock.monotonicMs(), 0);
    space.clock.advance(1_000);
    ear.take();
  };
  said(1_000);
  assert.deepEqual(moves, [], "nobody asked");
  advice.wanted = cadenceRow(4_000);
  ear.push();
  ear.push();
  said(400);
  said(400);
  said(2_000);
  said(8_000);
  assert.deepEqual(moves, [400, 2_000, 4_000]);
  assert.deepEqual(
    ear.notices.map((notice) => [notice.kind, "cadenceMs" in notice ? notice.cadenceMs : 0]),
    [
      ["target", 4_000],
      ["cadence", 400],
      ["cadence", 2_000],
      ["cadence", 4_000],
    ],
  );
  advice.wanted = FASTEST;
  ear.push();
  said(200);
  assert.equal(moves.at(-1), 200);
});

test("what there is is sent before a listener is moved", () => {
  const advice = createAdvice();
  const space = createSpace();
  space.appendSlots(20);
  const ear = createEar(space, advice);
  ear.connect();
  advice.wanted = cadenceRow(1_000);
  ear.push();
  ear.take();
  space.appendSlots(3);
  ear.listener.receive(JSON.stringify({ kind: "ready", cadenceMs: 1_000 }), 0, 0);
  ear.take();
  assert.equal(ear.slots.at(-1), 22);
  assert.equal(ear.kinds.at(-1), "notice");
  assertWhole(space, ear);
});

test("who never gets ready is moved after five minutes, and not before", () => {
  const moves: number[] = [];
  const advice = createAdvice((cadenceMs) => moves.push(cadenceMs));
  const space = createSpace();
  space.appendSlots(20);
  const ear = createEar(space, advice);
  ear.connect();
  advice.wanted = cadenceRow(8_000);
  for (let ms = 0; ms <= MOVE_TIMEOUT_MS; ms += 10_000) {
    assert.deepEqual(moves, []);
    ear.push();
    ear.take();
    ear.listener.receiveControl(space.clock.monotonicMs());
    space.clock.advance(10_000);
  }
  assert.deepEqual(moves, [8_000]);
});

test("who listens is asked for another reserve and not moved, who is new begins with it", () => {
  const moves: number[] = [];
  const advice = createAdvice((cadenceMs) => moves.push(cadenceMs));
  const space = createSpace();
  space.appendSlots(200);
  const [before, newcomer] = [createEar(space, advice), createEar(space, advice)];
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

test("at 0.2 and 0.4 s there is no reserve, and beyond the most it is the most", () => {
  assert.equal(cadenceRow(200, 12_000).reserveMs, 0);
  assert.equal(cadenceRow(400, 12_000).firstSendSlots, cadenceRow(400).firstSendSlots);
  assert.equal(cadenceRow(1_000, 99_000).reserveMs, 12_000);
  assert.equal(cadenceRow(8_000, 3_000), cadenceRow(8_000, 4_000), "whole steps, each a row of its own");
  assert.equal(firstCadence(cadenceRow(8_000, 4_000), false, 1_500), cadenceRow(1_000, 4_000));
});

test("newcomers begin at what is wanted, those who come back no slower than they hold", () => {
  const [fast, slow] = [cadenceRow(400), cadenceRow(8_000)];
  assert.equal(firstCadence(slow, true, 200), slow);
  assert.equal(firstCadence(slow, false, 1_500).cadenceMs, 1_000);
  assert.equal(firstCadence(slow, false, 0), FASTEST);
  assert.equal(firstCadence(fast, false, 60_000), fast);
  assert.equal(nextCadence(slow, fast, 8_000), fast);
  assert.equal(nextCadence(fast, fast, 8_000), undefined);
  assert.equal(nextCadence(fast, slow, 300), undefined);
});
