// Owns which kernel settings a big evening needs, what each is for, and the command that sets it. Refuses to set any: they
// are the machine's, not one program's.

import { readFile } from "node:fs/promises";
import type { Finding } from "../doctor/checkup.ts";

export interface KernelSetting {
  readonly path: string;
  /** Each of the numbers in the setting's text is to be at least this; a missing one counts as the last. */
  readonly atLeast: readonly number[];
  /** And the last of them at most this. */
  readonly lastAtMost?: number;
  readonly why: string;
}

/** Up to so many, what each may leave in the kernel matters to no machine. */
const FEW_SOCKETS = 10_000;

/**
 * The kernel cuts what is written from blocks of 32 KiB, which four listeners' pushes share, and a block is free when all of
 * them have taken theirs. Measured: 8,000 of 80,000 who read nothing for 40 s held 12 GB so, with 6 GB of bytes; 1.7 GB, and
 * 1.2 GB of bytes, with pages of their own and the bound above.
 */
const OWN_PAGES: KernelSetting = {
  path: "net.core.high_order_alloc_disable",
  atLeast: [1],
  why: "bytes for one listener share no page with others': one who does not take them keeps no more than theirs",
};

/** What this machine needs for so many TCP connections, counted at each end that is on it; the first few for any number. */
export function kernelSettings(sockets: number): readonly KernelSetting[] {
  return [
    {
      path: "net.core.somaxconn",
      atLeast: [16_384],
      why: "connections that wait at the door, as when an edge with 19,000 dies; beyond, they come a second late and more",
    },
    { path: "net.ipv4.tcp_max_syn_backlog", atLeast: [16_384], why: "connections that are being opened at once" },
    { path: "net.ipv4.tcp_syncookies", atLeast: [1], why: "opening goes on when more come than that" },
    { path: "net.core.netdev_max_backlog", atLeast: [1_000], why: "packets that wait while a core is busy" },
    { path: "net.core.rmem_max", atLeast: [200_000], why: "datagrams of speakers that wait while the stage is busy" },
    {
      path: "net.ipv4.tcp_wmem",
      // Two pushes of 8 s at 32 kb/s with what the kernel adds, and a first flight; sixteen times that is usual.
      atLeast: [4_096, 16_384, 131_072],
      ...(sockets > FEW_SOCKETS ? { lastAtMost: 262_144 } : {}),
      why: "bytes that the kernel keeps for one listener who does not take them; many who stall at once keep as much each",
    },
    ...(sockets > FEW_SOCKETS ? [OWN_PAGES] : []),
    {
      path: "fs.file-max",
      atLeast: [Math.max(500_000, sockets * 2)],
      why: "descriptors of all processes: one a listener",
    },
    { path: "fs.nr_open", atLeast: [1_048_576], why: "the highest limit that one process can be given" },
    {
      path: "net.ipv4.tcp_mem",
      // Measured with 160,000 sockets: a page each when all is well, three when many are late; beyond the last number the
      // kernel breaks connections.
      atLeast: [sockets * 2, sockets * 3, sockets * 4],
      why: "pages of memory for all TCP sockets: one a listener, three when many are late; beyond the last it cuts them",
    },
    {
      path: "net.ipv4.ip_local_port_range",
      atLeast: [32_768, 60_000],
      why: "connections of a proxy on this machine to the door, or of a drill: one port each and address",
    },
    { path: "net.netfilter.nf_conntrack_max", atLeast: [262_144], why: "connections that the firewall keeps count of" },
    {
      path: "net.ipv4.tcp_migrate_req",
      atLeast: [1],
      why: "connections that wait survive the last edge of a parent that was killed",
    },
  ];
}

/** What is too small for so many connections, in words with the command; empty where nothing is. */
export async function kernelNotes(sockets: number, read = readSetting): Promise<readonly string[]> {
  const findings = await Promise.all(kernelSettings(sockets).map((setting) => checkKernel(setting, read)));
  return findings.flatMap(({ name, what, mend }) => (mend === undefined ? [] : [`${name}: ${what}. ${mend}`]));
}

/** Never rejects: a setting that this system does not have is well. */
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

// From and to, of which the width counts.
function isRange({ path }: KernelSetting): boolean {
  return path.endsWith("_range");
}

async function readSetting(path: string): Promise<string | undefined> {
  return (await readFile(`/proc/sys/${path.replaceAll(".", "/")}`, "utf8").catch(() => undefined))?.trim();
}
