// Processor time and memory of processes and of the machine, from /proc; `undefined` without /proc.

import { readFile } from "node:fs/promises";

/** USER_HZ, on every Linux that Node supports. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

export interface ProcessUsage {
  /** User and kernel time since the process started. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

export async function processUsage(pid: number): Promise<ProcessUsage | undefined> {
  const [stat, statm] = await Promise.all(["stat", "statm"].map((name) => textOf(`/proc/${pid}/${name}`)));
  if (stat === undefined || statm === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    residentBytes: Number(statm.split(" ")[1]) * PAGE_BYTES,
  };
}

/** Seconds of all cores together since the machine started. */
export interface MachineUsage {
  readonly busySeconds: number;
  readonly idleSeconds: number;
  readonly stolenSeconds: number;
  readonly kernelBytes: number;
}

export async function machineUsage(): Promise<MachineUsage | undefined> {
  const [stat, meminfo, sockstat] = await Promise.all(
    ["/proc/stat", "/proc/meminfo", "/proc/net/sockstat"].map(textOf),
  );
  if (stat === undefined || meminfo === undefined) return undefined;
  const [own = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = (
    /^cpu\s+(.*)/.exec(stat)?.[1] ?? ""
  )
    .split(" ")
    .map((ticks) => Number(ticks) / TICKS_PER_SECOND);
  const slabKib = Number(/^Slab:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0);
  const pages = Number(/^TCP:.* mem (\d+)/m.exec(sockstat ?? "")?.[1] ?? 0);
  return {
    busySeconds: own + nice + system + irq + softirq,
    idleSeconds: idle + iowait,
    stolenSeconds: steal,
    kernelBytes: slabKib * 1024 + pages * PAGE_BYTES,
  };
}

/** Connections that one address of this machine can have to one port of a door. */
export async function portsPerAddress(): Promise<number> {
  const range = await textOf("/proc/sys/net/ipv4/ip_local_port_range");
  const [first = 32_768, last = 60_999] = range?.trim().split(/\s+/).map(Number) ?? [];
  return last - first + 1;
}

function textOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}
