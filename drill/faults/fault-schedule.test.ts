import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import type { Crowd } from "../crowd/crowd.ts";
import type { Deployment } from "../deployment/deployment.ts";
import type { Order } from "../generator/orders.ts";
import { EMPTY_REPORT } from "../record/crowd-report.ts";
import { readScenario } from "../scenario/read-scenario.ts";
import type { DrillSpeakers } from "../speakers/drill-speakers.ts";
import { FaultSchedule } from "./fault-schedule.ts";

const SCENARIO = readScenario({
  name: "faults",
  curve: [
    { atSeconds: 0, people: 0 },
    { atSeconds: 100, people: 10 },
  ],
  faults: [
    { atSeconds: 40, kind: "kill-edge" },
    { atSeconds: 10, kind: "drop-host", forSeconds: 3 },
    { atSeconds: 50, kind: "stall-readers", share: 0.2, forSeconds: 5 },
    { atSeconds: 60, kind: "kill-stage" },
  ],
});

test("injects each fault once, at its time, and in the order of times", async () => {
  const { schedule, events, clock } = openSchedule(true);
  for (let atSeconds = 0; atSeconds < 100; atSeconds++) schedule.step(atSeconds);
  await clock.advanceAsync(0);
  assert.deepEqual(events, [
    "mark 1",
    "disconnect host 3000",
    "mark 2",
    "kill edge",
    "mark 3",
    "stall 0.2",
    "mark 4",
    "keep ticks",
    "kill stage",
  ]);
  assert.deepEqual(
    schedule.finish().map(({ kind }) => kind),
    ["drop-host", "kill-edge", "stall-readers", "kill-stage"],
  );
});

test("leaves kills out on a deployment that it did not start", async () => {
  const { schedule, events, clock } = openSchedule(false);
  for (let atSeconds = 0; atSeconds < 100; atSeconds++) schedule.step(atSeconds);
  await clock.advanceAsync(0);
  assert.deepEqual(events, ["mark 1", "disconnect host 3000", "mark 2", "stall 0.2"]);
  const left = schedule.finish().filter(({ isInjected }) => !isInjected);
  assert.deepEqual(
    left.map(({ kind }) => kind),
    ["kill-edge", "kill-stage"],
  );
});

test("ends a stall after its time", async () => {
  const { schedule, events, clock } = openSchedule(false);
  for (let atSeconds = 0; atSeconds <= 50; atSeconds++) schedule.step(atSeconds);
  await clock.advanceAsync(4_999);
  assert.equal(events.at(-1), "stall 0.2");
  await clock.advanceAsync(1);
  assert.equal(events.at(-1), "unstall");
});

function openSchedule(isLocal: boolean) {
  const events: string[] = [];
  const clock = manualClock();
  let number = 0;
  const crowd = {
    send(order: Order) {
      if (order.do === "mark") number = order.number;
      events.push(["mark", "stall"].includes(order.do) ? `${order.do} ${Object.values(order)[1]}` : order.do);
    },
    report: () => ({ ...EMPTY_REPORT, window: { ...EMPTY_REPORT.window, number } }),
  } as unknown as Crowd;
  const deployment = {
    isLocal,
    kill: async (role: string) => void events.push(`kill ${role}`),
  } as unknown as Deployment;
  const speakers = {
    disconnect: (role: string, forMs: number) => void events.push(`disconnect ${role} ${forMs}`),
  } as unknown as DrillSpeakers;
  const beforeStageKill = async () => void events.push("keep ticks");
  const targets = { crowd, deployment, speakers, clock, signal: new AbortController().signal, beforeStageKill };
  return { schedule: new FaultSchedule(SCENARIO, targets, () => undefined), events, clock };
}
