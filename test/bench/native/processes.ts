// Reads a process's processor time and memory, and the machine's sockets and steal, from Linux's `/proc`.

import { readdir, readFile } from "node:fs/promises";
import { systemClock } from "../../../flow/clock.ts";

/** The unit of processor time in `/proc` (USER_HZ), on every Linux that Node supports. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** User and system time of all threads, in seconds. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** As `cpuSeconds`, in nanoseconds and without the kernel's rounding; threads that have ended are not counted. */
export async function cpuNanoseconds(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const stats = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8").catch(() => "0")),
  );
  return stats.reduce((sum, stat) => sum + Number(stat.split(" ")[0]), 0);
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

export async function residentBytes(pid: number): Promise<number> {
  const statm = await readFile(`/proc/${pid}/statm`, "utf8");
  return Number(statm.split(" ")[1]) * PAGE_BYTES;
}

/** Memory that the kernel holds for all sockets of the machine: their objects (slab) and their buffers. */
export async function kernelSocketBytes(): Promise<{ readonly slabBytes: number; readonly bufferBytes: number }> {
  const [meminfo, sockstat] = await Promise.all(
    ["/proc/meminfo", "/proc/net/sockstat"].map((path) => readFile(path, "utf8")),
  );
  const slab = Number(/^Slab:\s+(\d+) kB/m.exec(meminfo ?? "")?.[1] ?? 0) * 1024;
  const pages = Number(/^TCP:.* mem (\d+)/m.exec(sockstat ?? "")?.[1] ?? 0);
  return { slabBytes: slab, bufferBytes: pages * PAGE_BYTES };
}

export interface StealWatch {
  /** Share of the machine's processor time that its host gave to others since the watch began. */
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
  // user, nice, system, idle, iowait, irq, softirq, steal. The fields after these are included in user and nice.
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  return { stolen: ticks[7] ?? 0, all: ticks.reduce((sum, one) => sum + one, 0) };
}
