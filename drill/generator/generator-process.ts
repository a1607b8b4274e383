// The script of a generator process, which runs listeners, obeys orders on its IPC channel and reports once a second.

import { repeat, systemClock, type Timer } from "@hustings/flow/clock.ts";
import type { CrowdReport } from "../record/crowd-report.ts";
import { Departures, departuresDue } from "./departures.ts";
import { HomeVisits } from "./home-visits.ts";
import { Listeners } from "./listeners.ts";
import type { GeneratorStart, Order } from "./orders.ts";
import { createDialer, readDescriptor } from "./sockets/listener-socket.ts";

const FIRST_STEP_MS = 20;
const REPORT_MS = 1_000;
/** Sockets are closed for this time per step, or this share of a longer step: other listeners must be read as well. */
const CLOSE_MS = 50;
const CLOSE_SHARE = 1 / 2;
const JOIN_STEPS = 5;

process.once("message", (start: GeneratorStart) => run(start));
process.on("SIGINT", () => undefined);

function run({ door, generator, path, capacity, rendition, visitsHome }: GeneratorStart): void {
  const listeners = new Listeners({
    capacity,
    path,
    rendition,
    dial: createDialer(door, generator),
    read: readDescriptor,
    clock: systemClock,
    random: Math.random,
    onWork: () => wake(),
  });
  const home = new HomeVisits(door, listeners.counts, systemClock, generator);
  const departures = new Departures();
  let wanted = 0;
  let steppedMs = systemClock.monotonicMs();
  let lateMs = 0;
  let stepMs = FIRST_STEP_MS;
  let timer: Timer | undefined = systemClock.after(stepMs, step);
  // Stop reading a departed listener at once, in favour of those who stay.
  const leave = (nowMs: number): void => {
    departures.add(nowMs, listeners.leave());
    if (visitsHome) home.expectVisit();
  };
  const close = (): void => {
    const leftMs = departures.closeNext();
    if (visitsHome && leftMs !== undefined) home.visit(leftMs);
  };
  function step(): void {
    const nowMs = systemClock.monotonicMs();
    const missing = wanted - listeners.size;
    const elapsedMs = nowMs - steppedMs;
    steppedMs = nowMs;
    lateMs = Math.max(lateMs, elapsedMs - stepMs);
    timer = undefined;
    for (let left = departuresDue(-missing, elapsedMs); left > 0; left--) leave(nowMs);
    const closeMs = Math.max(CLOSE_MS, elapsedMs * CLOSE_SHARE);
    while (departures.size > 0 && systemClock.monotonicMs() - nowMs < closeMs) close();
    stepMs = listeners.step();
    home.step();
    for (let left = Math.ceil(missing / JOIN_STEPS); left > 0 && listeners.join(); ) left--;
    const isQuiet = wanted === listeners.size && departures.size === 0 && home.isIdle && listeners.isQuiet;
    if (isQuiet) stepMs = REPORT_MS;
    else timer ??= systemClock.after(stepMs, step);
  }
  // Nothing has changed since the last report.
  let wasAsleep = false;
  // While there is nothing to do, steps come with the reports, so that one timer wakes the process for both.
  function wake(): void {
    if (timer !== undefined) return;
    stepMs = systemClock.monotonicMs() - steppedMs + FIRST_STEP_MS;
    timer = systemClock.after(FIRST_STEP_MS, step);
  }
  const reporting = repeat(systemClock, REPORT_MS, () => {
    if (timer === undefined) step();
    const isAsleep = timer === undefined && listeners.size === 0;
    if (isAsleep && wasAsleep) return;
    wasAsleep = isAsleep;
    const measured = listeners.report(lateMs);
    const closes = { ...measured.closes, ...home.failureReasons() };
    const report: CrowdReport = { ...measured, closes, homeMs: home.durations() };
    lateMs = 0;
    process.send?.(report, () => undefined);
  });
  process.on("message", (order: Order) => {
    wake();
    if (order.do === "people") wanted = order.people;
    else if (order.do === "stall") listeners.stall(order.share);
    else if (order.do === "unstall") listeners.unstall();
    else if (order.do === "mark") listeners.markFault(order.number);
  });
  process.once("disconnect", () => {
    timer?.cancel();
    reporting.cancel();
    process.exit(0);
  });
}
