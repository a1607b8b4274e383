// Owns what Linux tells of a process from outside: processor time, memory, sockets. Refuses to run anywhere else.

import { readFile } from "node:fs/promises";
import { systemClock } from "../../flow/clock.ts";

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
