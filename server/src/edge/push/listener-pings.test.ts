import assert from "node:assert/strict";
import { test } from "node:test";
import { FLOWING_PING_MS, PING_MS, STALL_MS } from "../edge-limits.ts";
import { createEar, createSpace } from "../testing/listener-fixture.ts";

for (const [isFlowing, everyMs] of [
  [false, PING_MS],
  [true, FLOWING_PING_MS],
] as const) {
  test(`who answers no ping is given up when the second got no answer, each ${everyMs / 1_000} s`, () => {
    const { ear, seconds } = start();
    let heldS = 0;
    for (; ear.isConnected && heldS < 3_600; heldS++) seconds(1, isFlowing);
    assert.equal(heldS * 1_000, everyMs * 3);
  });
}

test("who answers is kept: where sound flows, and when they are pinged more often after it did", () => {
  const { ear, seconds } = start();
  for (let minute = 0; minute < 60; minute++) {
    seconds(60, true);
    ear.listener.receiveControl(minute * 60_000 + 60_000);
  }
  // For minutes nothing was said and nobody was asked; then it takes nothing, is moved to the head, and pinged as the slow are.
  seconds(200, true);
  seconds(STALL_MS / 1_000 + 2, true, false);
  seconds(20, true);
  assert.ok(ear.skipped.length > 0, "it was slow, and skipped once");
  assert.ok(ear.isConnected, `closed with ${JSON.stringify(ear.closed)}`);
});

function start() {
  const space = createSpace();
  const ear = createEar(space);
  ear.connect();
  const seconds = (count: number, isFlowing: boolean, takes = true): void => {
    for (let i = 0; i < count && ear.isConnected; i++) {
      if (isFlowing) space.appendSlots(5);
      if (takes) ear.take();
      space.clock.advance(1_000);
      ear.push();
    }
  };
  return { ear, seconds };
}
