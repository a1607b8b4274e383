// Owns the generators of one machine: starts them at low priority, shares people and orders out, adds up what they say.
// Refuses to know what a listener does.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { systemClock } from "@hustings/flow/clock.ts";
import { setNiceness } from "@hustings/server/ops/host/niceness.ts";
import type { CrowdStart, GeneratorStart, Order } from "../generator/orders.ts";
import { type CrowdReport, mergeReports } from "../record/crowd-report.ts";
import { shareOf } from "./crowd-size.ts";

/** Listeners made by one or more machines. */
export interface Crowd extends AsyncDisposable {
  send(order: Order): void;
  report(): CrowdReport;
  /** Processes on this machine. */
  readonly pids: readonly number[];
}

const GENERATOR = fileURLToPath(new URL("../generator/generator-process.ts", import.meta.url));
/**
 * Below the stage, and a little before edges on the same machine: people bring machines of their own. What a generator that gets
 * no turn leaves unread the kernel has to keep; an edge that gets none lets nobody in (docs/decisions/0018-cpu-niceness.md).
 */
const NICENESS = 8;
const YOUNG_MIB = 32;

/** Starts `count` generators with room for `people` in all, numbered from `firstNumber`. */
export function startCrowd(start: CrowdStart, people: number, count: number, firstNumber = 0): Crowd {
  const capacity = Math.ceil(people / count);
  const reports: CrowdReport[] = [];
  /** People that each was told to have. */
  const told: number[] = [];
  const children = Array.from({ length: count }, (_, i) => {
    const child = fork(GENERATOR, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      execArgv: [...process.execArgv, `--max-semi-space-size=${YOUNG_MIB}`],
      // A session of its own, or the kernel gives all generators together the share of one edge.
      detached: true,
    });
    void setNiceness(child.pid, NICENESS, systemClock);
    child.send({ ...start, generator: firstNumber + i, capacity } satisfies GeneratorStart);
    child.on("message", (report: CrowdReport) => {
      reports[i] = report;
    });
    child.on("error", () => undefined);
    return child;
  });
  return {
    send(order) {
      for (const [i, child] of children.entries()) {
        if (order.do !== "people") tell(child, order);
        else if (shareOf(order.people, i, count) !== told[i]) {
          told[i] = shareOf(order.people, i, count);
          tell(child, { ...order, people: told[i] });
        }
      }
    },
    report: () => mergeReports(reports.filter((report) => report !== undefined)),
    pids: children.flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    async [Symbol.asyncDispose]() {
      await Promise.all(children.map(end));
    },
  };
}

function tell(child: ChildProcess, order: Order): void {
  if (child.connected) child.send(order);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  if (child.connected) child.disconnect();
  else child.kill("SIGKILL");
  await exited;
}
