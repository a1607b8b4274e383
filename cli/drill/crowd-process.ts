// Owns one generator: a process full of listeners that does what it is told over its IPC channel and reports twice a
// second. Refuses to know scenarios, and other generators.

import { monitorEventLoopDelay } from "node:perf_hooks";
import { repeat, systemClock } from "@hustings/flow/clock.ts";
import type { GeneratorStart, Order } from "./crowd.ts";
import { HomeVisits } from "./home-visits.ts";
import { Leaving } from "./leaving.ts";
import { dialer, readDescriptor } from "./line.ts";
import { Listeners } from "./listeners.ts";

const STEP_MS = 20;
const REPORT_MS = 500;
/** In one step people are let go for so long: each is one less to push to, and those who stay are to be read as well. */
const LET_GO_MS = 50;
/** Who is missing comes within so many steps: evenly, not in bursts. */
const STEPS_TO_COME = 5;

process.once("message", (start: GeneratorStart) => run(start));
process.on("SIGINT", () => undefined);

function run({ door, generator, path, places, rendition, visitsHome }: GeneratorStart): void {
  const listeners = new Listeners({
    places,
    path,
    rendition,
    dial: dialer(door, generator),
    read: readDescriptor,
    clock: systemClock,
    random: Math.random,
  });
  const home = new HomeVisits(door, listeners.counts, systemClock, generator);
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const leaving = new Leaving();
  let wanted = 0;
  let lookedMs = systemClock.monotonicMs();
  const leave = (): void => {
    const leftMs = leaving.go();
    listeners.leave();
    if (visitsHome) home.visit(leftMs);
  };
  const step = repeat(systemClock, STEP_MS, () => {
    const nowMs = systemClock.monotonicMs();
    const missing = wanted - listeners.size;
    // Before all else: a late loop is not to go on with those who would be gone. But not for so long that it is late itself.
    leaving.look(-missing, nowMs - lookedMs, nowMs);
    lookedMs = nowMs;
    while (leaving.owed > 0 && systemClock.monotonicMs() - nowMs < LET_GO_MS) leave();
    listeners.step();
    home.step();
    for (let left = Math.ceil(missing / STEPS_TO_COME); left > 0 && listeners.join(); ) left--;
  });
  const report = repeat(systemClock, REPORT_MS, () => {
    const measured = listeners.report(Math.max(0, delay.percentile(99) / 1e6 - 10));
    const said = { ...measured, closes: { ...measured.closes, ...home.whys() }, homeMs: home.spread() };
    delay.reset();
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
    step.cancel();
    report.cancel();
    process.exit(0);
  });
}
