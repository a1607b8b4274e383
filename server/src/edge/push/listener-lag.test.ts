import assert from "node:assert/strict";
import { test } from "node:test";
import { lagBucketOf, MAX_LAG_MS } from "@hustings/wire/listen/lag-counts.ts";
import { createFarEnd, createSpace } from "../testing/listener-fixture.ts";

function start() {
  const space = createSpace();
  const moves: [number, number][] = [];
  Object.assign(space.followed, { moveLag: (from: number, to: number) => void moves.push([from, to]) });
  const farEnd = createFarEnd(space);
  farEnd.connect();
  const report = (lagMs: unknown) =>
    farEnd.listener.receive(JSON.stringify({ kind: "ping", echo: 1, lagMs }), space.clock.monotonicMs(), 0);
  return { farEnd, moves, report };
}

test("a listener's reported lag is counted once, moves when it changes, and leaves with the listener", () => {
  const { farEnd, moves, report } = start();
  report(undefined);
  report(800);
  report(810);
  report(9_000);
  farEnd.listener.connectionClosed();
  const [near, far] = [lagBucketOf(800), lagBucketOf(9_000)];
  assert.deepEqual(moves, [
    [-1, near],
    [near, far],
    [far, -1],
  ]);
});

test("a lag that no listener can have closes the connection and is not counted", () => {
  for (const lagMs of [-1, MAX_LAG_MS + 1, "800", null, {}]) {
    const { farEnd, moves, report } = start();
    report(lagMs);
    assert.equal(farEnd.isConnected, false, String(lagMs));
    assert.deepEqual(moves, []);
  }
});
