// Owns what Linux tells of a process from outside: processor time, memory, sockets. Refuses to run anywhere else.

import { readFile } from "node:fs/promises";
import { systemClock } from "../../../flow/clock.ts";

/** The kernel counts processor time in these, on every Linux that Node runs on (USER_HZ). */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** Seconds of processor time, the process's own and the kernel's for it, of all its threads. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

export interface CpuWatch {
  /** Share of one core since the watch began. */
  share(): Promise<number>;
}

export async function watchCpu(pid: number): Promise<CpuWatch> {
  const beganMs = systemClock.monotonicMs();
  const before = await cpuSeconds(pid);
  return {
    async share() {
      const seconds = (systemClock.monotonicMs() - beganMs) / 1000;
      return ((await cpuSeconds(pid)) - before) / seconds;
    },
  };
}

/** Resident memory of the process. */
export async function residentBytes(pid: number): Promise<number> {
  const statm = await readFile(`/proc/${pid}/statm`, "utf8");
  return Number(statm.split(" ")[1]) * PAGE_BYTES;
}

/** What the kernel holds for every socket of the machine: its objects (slab) and what they buffer. */
export async function kernelSocketBytes(): Promise<{ readonly slabBytes: number; readonly bufferBytes: number }> {
  const [meminfo, sockstat] = await Promise.all(
    ["/proc/meminfo", "/proc/net/sockstat"].map((path) => readFile(path, "utf8")),
  );
  const slab = Number(/^Slab:\s+(\d+) kB/m.exec(meminfo ?? "")?.[1] ?? 0) * 1024;
  const pages = Number(/^TCP:.* mem (\d+)/m.exec(sockstat ?? "")?.[1] ?? 0);
  return { slabBytes: slab, bufferBytes: pages * PAGE_BYTES };
}

export interface StealWatch {
  /** Share of the machine's processor time since the watch began that its host gave to others. */
  share(): Promise<number>;
}

export async function watchSteal(): Promise<StealWatch> {
  const before = await machineTicks();
  return {
    async share() {
      const after = await machineTicks();
      return (after.stolen - before.stolen) / Math.max(1, after.all - before.all);
    },
  };
}

async function machineTicks(): Promise<{ readonly stolen: number; readonly all: number }> {
  const [line = ""] = (await readFile("/proc/stat", "utf8")).split("\n");
  // user, nice, system, idle, iowait, irq, softirq, steal; what follows is in user and nice already.
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  return { stolen: ticks[7] ?? 0, all: ticks.reduce((sum, one) => sum + one, 0) };
}
