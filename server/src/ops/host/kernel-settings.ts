// The kernel settings that a large audience needs, each with its reason and the command that sets it.

import { readFile } from "node:fs/promises";
import type { Finding } from "../doctor/finding.ts";

export interface KernelSetting {
  readonly path: string;
  /** The least value of each number in the setting; a missing number counts as the last. */
  readonly atLeast: readonly number[];
  readonly lastAtMost?: number;
  readonly why: string;
}

/** Below this, the kernel memory of stalled listeners does not matter. */
const FEW_SOCKETS = 10_000;

/**
 * The kernel cuts written bytes from blocks of 32 KiB, shared by the pushes of four listeners and freed when all four
 * have read. Measured with 8,000 of 80,000 listeners not reading for 40 s: 12 GB held for 6 GB of bytes; with own pages
 * and the bound on tcp_wmem 1.7 GB for 1.2 GB.
 */
const OWN_PAGES: KernelSetting = {
  path: "net.core.high_order_alloc_disable",
  atLeast: [1],
  why: "listeners share no memory pages: a listener who does not read holds only their own bytes",
};

/** A connection with both ends on this machine counts twice. */
export function kernelSettings(sockets: number): readonly KernelSetting[] {
  return [
    {
      path: "net.core.somaxconn",
      atLeast: [16_384],
      why: "connections waiting at the door, for instance after an edge with 19,000 listeners died; further ones are a second late or more",
    },
    { path: "net.ipv4.tcp_max_syn_backlog", atLeast: [16_384], why: "connections being opened at the same time" },
    {
      path: "net.ipv4.tcp_syncookies",
      atLeast: [1],
      why: "connections can still be opened when more arrive than that",
    },
    { path: "net.core.netdev_max_backlog", atLeast: [1_000], why: "packets waiting while a core is busy" },
    { path: "net.core.rmem_max", atLeast: [200_000], why: "datagrams from speakers waiting while the stage is busy" },
    {
      path: "net.ipv4.tcp_wmem",
      // Two pushes of 8 s with the kernel's overhead, and a first flight; the default is sixteen times that.
      atLeast: [4_096, 16_384, 131_072],
      ...(sockets > FEW_SOCKETS ? { lastAtMost: 262_144 } : {}),
      why: "bytes that the kernel keeps for one listener who does not read; each of many stalled listeners keeps as much",
    },
    ...(sockets > FEW_SOCKETS ? [OWN_PAGES] : []),
    {
      path: "fs.file-max",
      atLeast: [Math.max(500_000, sockets * 2)],
      why: "descriptors of all processes: one per listener",
    },
    { path: "fs.nr_open", atLeast: [1_048_576], why: "the highest limit that one process can be given" },
    {
      path: "net.ipv4.tcp_mem",
      // With 160,000 sockets: one page each, three if many are late. Beyond the last the kernel breaks connections.
      atLeast: [sockets * 2, sockets * 3, sockets * 4],
      why: "memory pages for all TCP sockets: one per listener, three when many are late; beyond the last number the kernel cuts them",
    },
    {
      path: "net.ipv4.ip_local_port_range",
      atLeast: [32_768, 60_000],
      why: "connections of a proxy or a drill on this machine: one port each per address",
    },
    { path: "net.netfilter.nf_conntrack_max", atLeast: [262_144], why: "connections that the firewall tracks" },
    {
      path: "net.ipv4.tcp_migrate_req",
      atLeast: [1],
      why: "waiting connections survive when the last edge of a killed parent ends",
    },
  ];
}

export async function kernelNotes(sockets: number, read = readSetting): Promise<readonly string[]> {
  const findings = await Promise.all(kernelSettings(sockets).map((setting) => checkKernel(setting, read)));
  return findings.flatMap(({ name, what, mend }) => (mend === undefined ? [] : [`${name}: ${what}. ${mend}`]));
}

/** Never rejects; a setting that the system lacks is fine. */
export async function checkKernel(setting: KernelSetting, read = readSetting): Promise<Finding> {
  const { path, why } = setting;
  const text = await read(path);
  if (text === undefined) return { name: path, verdict: "ok", what: "not a setting of this system" };
  const what = `${text} (${why})`;
  const numbers = text.split(/\s+/).map(Number);
  if (isEnough(setting, numbers) && !isTooMuch(setting, numbers)) return { name: path, verdict: "ok", what };
  const wanted = setting.atLeast.map((least, i) => Math.max(least, isRange(setting) ? 0 : (numbers[i] ?? 0)));
  if (isTooMuch(setting, numbers) && setting.lastAtMost !== undefined) wanted.splice(-1, 1, setting.lastAtMost);
  return {
    name: path,
    verdict: "note",
    what,
    mend: `sysctl -w ${path}="${wanted.join(" ")}"`.replace(/"(\d+)"$/, "$1"),
  };
}

function isEnough(setting: KernelSetting, numbers: readonly number[]): boolean {
  if (isRange(setting)) {
    const [from = 0, to = 0] = numbers;
    const [lowest = 0, highest = 0] = setting.atLeast;
    return to - from >= highest - lowest - 1_000;
  }
  return setting.atLeast.every((least, i) => (numbers[i] ?? numbers.at(-1) ?? 0) >= least);
}

function isTooMuch({ lastAtMost = Infinity }: KernelSetting, numbers: readonly number[]): boolean {
  return (numbers.at(-1) ?? 0) > lastAtMost;
}

function isRange({ path }: KernelSetting): boolean {
  return path.endsWith("_range");
}

async function readSetting(path: string): Promise<string | undefined> {
  return (await readFile(`/proc/sys/${path.replaceAll(".", "/")}`, "utf8").catch(() => undefined))?.trim();
}
