// Owns one generator: a process full of listeners that does what it is told over its IPC channel and reports once a
// second. Refuses to know scenarios, and other generators.

import { repeat, systemClock } from "@hustings/flow/clock.ts";
import { Leaving, leavingOf } from "./departures.ts";
import { HomeVisits } from "./home-visits.ts";
import { Listeners } from "./listeners.ts";
import type { GeneratorStart, Order } from "./orders.ts";
import { dialer, readDescriptor } from "./sockets/listener-socket.ts";

const FIRST_STEP_MS = 20;
const REPORT_MS = 1_000;
/**
 * In one step sockets of those who left are closed for so long, or for this share of what the last step took: each is one less
 * to push to, and those who stay are to be read as well.
 */
const CLOSE_MS = 50;
const CLOSE_SHARE = 1 / 2;
/** Who is missing comes within so many steps: evenly, not in bursts. */
const STEPS_TO_COME = 5;

process.once("message", (start: GeneratorStart) => run(start));
process.on("SIGINT", () => undefined);

function run({ door, generator, path, capacity, rendition, visitsHome }: GeneratorStart): void {
  const listeners = new Listeners({
    places: capacity,
    path,
    rendition,
    dial: dialer(door, generator),
    read: readDescriptor,
    clock: systemClock,
    random: Math.random,
  });
  const home = new HomeVisits(door, listeners.counts, systemClock, generator);
  const leaving = new Leaving();
  let wanted = 0;
  let lookedMs = systemClock.monotonicMs();
  // By how much the latest of the steps since the last report came too late, with the time that the one before it took.
  let lateMs = 0;
  let stepMs = FIRST_STEP_MS;
  let timer = systemClock.after(stepMs, step);
  // Who leaves is not read any more, or those who stay would wait for people who are gone.
  const leave = (nowMs: number): void => {
    leaving.add(nowMs, listeners.leave());
    if (visitsHome) home.left();
  };
  const close = (): void => {
    const leftMs = leaving.go();
    if (visitsHome && leftMs !== undefined) home.visit(leftMs);
  };
  function step(): void {
    const nowMs = systemClock.monotonicMs();
    const missing = wanted - listeners.size;
    const elapsedMs = nowMs - lookedMs;
    lookedMs = nowMs;
    lateMs = Math.max(lateMs, elapsedMs - stepMs);
    for (let left = leavingOf(-missing, elapsedMs); left > 0; left--) leave(nowMs);
    const closeMs = Math.max(CLOSE_MS, elapsedMs * CLOSE_SHARE);
    while (leaving.size > 0 && systemClock.monotonicMs() - nowMs < closeMs) close();
    stepMs = listeners.step();
    home.step();
    for (let left = Math.ceil(missing / STEPS_TO_COME); left > 0 && listeners.join(); ) left--;
    timer = systemClock.after(stepMs, step);
  }
  const report = repeat(systemClock, REPORT_MS, () => {
    const measured = listeners.report(lateMs);
    const said = { ...measured, closes: { ...measured.closes, ...home.whys() }, homeMs: home.spread() };
    lateMs = 0;
    // Who is told may be gone by now: what is said then matters to nobody.
    process.send?.(said, () => undefined);
  });
  process.on("message", (order: Order) => {
    if (order.do === "people") wanted = order.people;
    else if (order.do === "stall") listeners.stall(order.share);
    else if (order.do === "unstall") listeners.unstall();
    else if (order.do === "mark") listeners.markFault(order.number);
  });
  process.once("disconnect", () => {
    timer.cancel();
    report.cancel();
    process.exit(0);
  });
}
