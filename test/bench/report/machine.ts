// Describes the machine that the figures come from.

import { readFile } from "node:fs/promises";
import { cpus, loadavg, release, totalmem, type } from "node:os";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
  /** Mean number of processes that wanted a core in the minute before the bench. Above 1, other work was running. */
  readonly loadBefore: number;
}

export async function thisMachine(): Promise<Machine> {
  const cpuinfo = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
  return {
    cpu: cpus()[0]?.model ?? /model name\s*: (.*)/.exec(cpuinfo)?.[1] ?? "unknown",
    cores: cpus().length,
    memoryGib: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    kernel: `${type()} ${release()}`,
    node: process.version,
    loadBefore: loadavg()[0] ?? 0,
  };
}

export function machineLine({ cpu, cores, memoryGib, kernel, node, loadBefore }: Machine): string {
  return `${cpu}, ${cores} cores, ${memoryGib} GiB, ${kernel}, Node ${node}; load before ${loadBefore.toFixed(1)}`;
}
