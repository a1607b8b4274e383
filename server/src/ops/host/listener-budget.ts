// Owns how many listeners an edge may hold here and how many edges an audience needs: descriptors, with a reserve for
// whoever comes back, waits or asks for a page; and memory. Refuses to know what a listener is sent.

import { readFile } from "node:fs/promises";

export interface BudgetBasis {
  /** What the operator allows; descriptors may allow less. */
  readonly listenersPerEdge: number;
  /** What the operator allows one address at one edge; absent: an eighth of its places, and 200 at least. */
  readonly listenersPerAddress?: number | undefined;
  readonly edges: number;
  /** Files and connections that one process may have open; `undefined` where the system does not tell. */
  readonly descriptors: number | undefined;
  readonly machineBytes: number;
}

export interface EdgeBudget {
  readonly listeners: number;
  readonly perAddress: number;
  readonly addressConnections: number;
  readonly returning: number;
  readonly waiting: number;
  readonly connections: number;
  readonly memoryBytes: number;
}

/** What a process has open besides: files, its stage, requests that are passed inward. */
const OWN = 100;
const MOST_IN_LINE = 20_000;
/** Whoever opens all they can from one address has one part of so many; a school or an office has this many at least. */
const ADDRESSES_FOR_ALL = 8;
const LEAST_PER_ADDRESS = 200;
/** Connections to listeners: some load a page as others listen. */
const REQUESTS_TOO = 1.25;
/** Of the machine's memory, for all edges together; the rest is the stage's, the kernel's sockets' and the system's. */
const EDGES_SHARE = 0.5;

/** How one edge divides what it may have open. */
export function edgeBudget(basis: BudgetBasis): EdgeBudget {
  const { listenersPerEdge, edges, descriptors, machineBytes } = basis;
  const all = (descriptors ?? Number.POSITIVE_INFINITY) - OWN;
  const most = mostListeners(descriptors);
  const listeners = Math.max(1, Math.min(listenersPerEdge, most));
  const perAddress =
    basis.listenersPerAddress ?? Math.max(LEAST_PER_ADDRESS, Math.floor(listeners / ADDRESSES_FOR_ALL));
  const left = Math.max(30, Math.min(all - listeners, listeners + MOST_IN_LINE));
  return {
    listeners,
    perAddress,
    addressConnections: Math.ceil(perAddress * REQUESTS_TOO) + LEAST_PER_ADDRESS,
    returning: Math.floor(left * 0.3),
    waiting: Math.min(MOST_IN_LINE, Math.floor(left * 0.4)),
    connections: listeners + left,
    memoryBytes: Math.floor((machineBytes * EDGES_SHARE) / edges),
  };
}

/** Listeners for which one process has descriptors: all but 5 % of them, at least 300 and at most 5,000. */
export function mostListeners(descriptors: number | undefined): number {
  if (descriptors === undefined) return Number.MAX_SAFE_INTEGER;
  return Math.max(1, descriptors - Math.min(5_000, Math.max(300, Math.floor(descriptors * 0.05))));
}

/** Edges for an audience of so many. */
export function edgesFor(
  listeners: number,
  { listenersPerEdge, descriptors }: Omit<BudgetBasis, "edges" | "machineBytes">,
): number {
  return Math.ceil(listeners / Math.max(1, Math.min(listenersPerEdge, mostListeners(descriptors))));
}

/** How many listeners these edges hold, and how many edges a hundred thousand need: one line. */
export function capacityLine({ edges, listenersPerEdge, descriptors }: Omit<BudgetBasis, "machineBytes">): string {
  const each = Math.min(listenersPerEdge, mostListeners(descriptors));
  const count = (number: number): string => number.toLocaleString("en");
  const fits = `${edges} ${edges === 1 ? "edge holds" : "edges hold"} ${count(edges * each)} listeners, ${count(each)} each`;
  const need = edgesFor(100_000, { listenersPerEdge, descriptors });
  return edges >= need ? fits : `${fits}; for 100,000 start with --edges ${need}`;
}

/** Files that this process may open; `undefined` where the system does not tell. Node raises the soft limit by itself. */
export async function readDescriptorLimit(): Promise<number | undefined> {
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const [, soft, hard] = /^Max open files\s+(\d+)\s+(\d+)/m.exec(limits) ?? [];
  const count = Math.max(Number(soft ?? 0), Number(hard ?? 0));
  return count > 0 ? count : undefined;
}
