// The server's clock is set while a stage runs, or is wrong when it starts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { utcOfSlot } from "@hustings/wire/slots.ts";
import { SLOT_MS } from "@hustings/wire/units.ts";
import { createSeenClock } from "../../ops/seen-time.ts";
import { anchorAfterStep } from "../policy/clock-step.ts";
import { startStageFixture } from "../testing/stage-fixture.ts";

const HOUR_MS = 3_600_000;

test("a step of the clock while live gets an anchor within a slot, and the slots go on", async () => {
  for (const stepMs of [HOUR_MS, -HOUR_MS, 5_000]) {
    await using stage = await startStageFixture();
    const { space, host } = await stage.createSpace();
    await stage.join(space, host);
    await space.execute(host, { do: "live" });
    await stage.run(20_000);
    const [before, slot] = [space.state.anchors.length, space.headSlot];
    stage.clock.setUtcMs(stage.clock.utcMs() + stepMs);
    await stage.run(2 * SLOT_MS);
    const { anchors, gaps, absences } = space.state;
    assert.equal(anchors.length, before + 1, `${stepMs}`);
    assert.equal(space.headSlot, slot + 2);
    assert.deepEqual([gaps, absences], [[], []]);
    const head = utcOfSlot(anchors, space.headSlot) as number;
    assert.ok(Math.abs(stage.clock.utcMs() - head) <= 2 * SLOT_MS, `${stage.clock.utcMs() - head} ms apart`);
    await stage.run(20_000);
    assert.equal(space.state.anchors.length, before + 1, "one anchor for one step");
  }
});

test("a process that stood still during a tick takes no step of the clock for it", async () => {
  await using stage = await startStageFixture();
  const { space, id } = await stage.createSpace();
  await stage.run(20_000);
  const { anchors } = space.state;
  const tickMs = stage.clock.monotonicMs();
  const { number } = stage.ticker;
  stage.stall(5_000);
  for (let tick = 1; tick <= 10; tick++) stage.spaces.tick(number + tick, tickMs);
  await stage.spaces.get(id).settled();
  assert.deepEqual(space.state.anchors, anchors);
});

test("a clock that agrees or is a little late gets no anchor, and one that is set all the time gets few", () => {
  const anchors = [{ slot: 100, utcMs: 1_000_000 }];
  const due = (slot: number, offMs: number) =>
    anchorAfterStep({ anchors, phase: "live" }, slot, 1_000_000 + (slot - 100) * SLOT_MS + offMs);
  assert.equal(due(200, 999), undefined);
  assert.equal(due(200, -999), undefined);
  assert.deepEqual(due(200, 1_500), { kind: "anchor", anchorSlot: 200, anchorUtcMs: 1_021_500 });
  assert.equal(due(149, 60_000), undefined, "within ten seconds of the anchor before");
  assert.equal(anchorAfterStep({ anchors: [], phase: "live" }, 5, 0), undefined);
  assert.equal(anchorAfterStep({ anchors, phase: "ended" }, 200, 0), undefined);
});

test("one start with a clock beyond the expiry deletes no space; time that passed does, and it is logged", async () => {
  const expiryMs = 2 * HOUR_MS;
  await using stage = await startStageFixture({
    expiryMs,
    seen: (clock) => createSeenClock(clock, clock.utcMs()),
  });
  const { id } = await stage.createSpace();
  stage.clock.setUtcMs(stage.clock.utcMs() + 1_000 * HOUR_MS);
  await stage.restart();
  await stage.spaces.expire();
  assert.equal(stage.spaces.count, 1);
  stage.stall(expiryMs + 1_000);
  await stage.spaces.expire();
  assert.equal(stage.spaces.count, 0);
  assert.match(stage.logLines.join("\n"), new RegExp(`has expired and was deleted .*${id}`));
});

test("a space that expired before the start is deleted with a line in the log", async () => {
  await using stage = await startStageFixture({ expiryMs: HOUR_MS });
  const { id } = await stage.createSpace();
  stage.stall(HOUR_MS + 1_000);
  await stage.restart();
  assert.equal(stage.spaces.count, 0);
  assert.match(stage.logLines.join("\n"), new RegExp(`has expired and was deleted .*${id}`));
});
