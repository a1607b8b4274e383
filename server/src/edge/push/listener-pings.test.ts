import assert from "node:assert/strict";
import { test } from "node:test";
import { FLOWING_PING_MS, PING_MS, STALL_MS } from "../edge-limits.ts";
import { createFarEnd, createSpace } from "../testing/listener-fixture.ts";

for (const [isFlowing, everyMs] of [
  [false, PING_MS],
  [true, FLOWING_PING_MS],
] as const) {
  test(`disconnects a listener that misses two pings, ${everyMs / 1_000} s apart`, () => {
    const { ear: farEnd, seconds } = start();
    let heldS = 0;
    for (; farEnd.isConnected && heldS < 3_600; heldS++) seconds(1, isFlowing);
    assert.equal(heldS * 1_000, everyMs * 3);
  });
}

test("keeps a listener that answers pings, while sound flows and when pings come more often afterwards", () => {
  const { ear: farEnd, seconds } = start();
  for (let minute = 0; minute < 60; minute++) {
    seconds(60, true);
    farEnd.listener.receiveControl(minute * 60_000 + 60_000);
  }
  // Minutes pass without messages or pings; then the listener takes nothing, is moved to the head, and is pinged
  // often.
  seconds(200, true);
  seconds(STALL_MS / 1_000 + 2, true, false);
  seconds(20, true);
  assert.ok(farEnd.skipped.length > 0, "it was slow and skipped once");
  assert.ok(farEnd.isConnected, `closed with ${JSON.stringify(farEnd.closed)}`);
});

function start() {
  const space = createSpace();
  const farEnd = createFarEnd(space);
  farEnd.connect();
  const seconds = (count: number, isFlowing: boolean, takes = true): void => {
    for (let i = 0; i < count && farEnd.isConnected; i++) {
      if (isFlowing) space.appendSlots(5);
      if (takes) farEnd.take();
      space.clock.advance(1_000);
      farEnd.push();
    }
  };
  return { ear: farEnd, seconds };
}
