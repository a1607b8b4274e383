// A crowd of listeners in generator processes on this machine: divides orders among them and merges their reports.

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { systemClock } from "@hustings/flow/clock.ts";
import { setNiceness } from "@hustings/server/ops/host/niceness.ts";
import { endChild } from "../deployment/end-child.ts";
import type { CrowdStart, GeneratorStart, Order } from "../generator/orders.ts";
import { type CrowdReport, mergeReports } from "../record/crowd-report.ts";
import { shareOf } from "./crowd-size.ts";

export interface Crowd extends AsyncDisposable {
  send(order: Order): void;
  report(): CrowdReport;
  readonly pids: readonly number[];
}

const GENERATOR = fileURLToPath(new URL("../generator/generator-process.ts", import.meta.url));
/**
 * After the stage and a little before edges (docs/decisions/0018-cpu-niceness.md): the kernel has to buffer what a
 * starved generator does not read, while a starved edge only admits more slowly.
 */
const NICENESS = 8;
/** Most garbage of a generator is young. */
const SEMI_SPACE_MIB = 32;

/** Starts `count` generators with room for `people` in total, numbered from `firstNumber`. */
export function startCrowd(start: CrowdStart, people: number, count: number, firstNumber = 0): Crowd {
  const capacity = Math.ceil(people / count);
  const reports: CrowdReport[] = [];
  const sentPeople: number[] = [];
  const children = Array.from({ length: count }, (_, i) => {
    const child = fork(GENERATOR, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      execArgv: [...process.execArgv, `--max-semi-space-size=${SEMI_SPACE_MIB}`],
      // A session for each: otherwise the kernel's autogroups give all generators together the share of one edge.
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
        if (order.do !== "people") sendOrder(child, order);
        else if (shareOf(order.people, i, count) !== sentPeople[i]) {
          sentPeople[i] = shareOf(order.people, i, count);
          sendOrder(child, { ...order, people: sentPeople[i] });
        }
      }
    },
    report: () => mergeReports(reports.filter((report) => report !== undefined)),
    pids: children.flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    async [Symbol.asyncDispose]() {
      await Promise.all(children.map((child) => endChild(child, () => disconnect(child))));
    },
  };
}

function sendOrder(child: ChildProcess, order: Order): void {
  if (child.connected) child.send(order);
}

function disconnect(child: ChildProcess): void {
  if (child.connected) child.disconnect();
  else child.kill("SIGKILL");
}
