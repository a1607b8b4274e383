// Calculates how many listeners an edge may hold here, and how many edges an audience needs.

import { readFile } from "node:fs/promises";

export interface BudgetBasis {
  readonly listenersPerEdge: number;
  /** Absent: an eighth of the edge's listeners, at least 200. */
  readonly listenersPerAddress?: number | undefined;
  readonly edges: number;
  /** Files that one process may open; `undefined`: not reported by the system. */
  readonly descriptors: number | undefined;
  readonly machineBytes: number;
}

export interface EdgeBudget {
  readonly listeners: number;
  readonly listenersPerAddress: number;
  readonly connectionsPerAddress: number;
  readonly returning: number;
  readonly queued: number;
  readonly connections: number;
  readonly memoryBytes: number;
}

const OWN = 100;
const MAX_QUEUED = 20_000;
/** Share of an edge for one address, and its minimum, for a school or an office. */
const ADDRESSES_FOR_ALL = 8;
const LEAST_PER_ADDRESS = 200;
/** Connections per listener of one address: some load a page meanwhile. */
const REQUESTS_TOO = 1.25;
/** Share of memory for all edges; the rest is for the stage, socket buffers and the system. */
const EDGES_SHARE = 0.5;

export function edgeBudget(basis: BudgetBasis): EdgeBudget {
  const { listenersPerEdge, edges, descriptors, machineBytes } = basis;
  const all = (descriptors ?? Number.POSITIVE_INFINITY) - OWN;
  const most = mostListeners(descriptors);
  const listeners = Math.max(1, Math.min(listenersPerEdge, most));
  const listenersPerAddress =
    basis.listenersPerAddress ?? Math.max(LEAST_PER_ADDRESS, Math.floor(listeners / ADDRESSES_FOR_ALL));
  const left = Math.max(30, Math.min(all - listeners, listeners + MAX_QUEUED));
  return {
    listeners,
    listenersPerAddress,
    connectionsPerAddress: Math.ceil(listenersPerAddress * REQUESTS_TOO) + LEAST_PER_ADDRESS,
    returning: Math.floor(left * 0.3),
    queued: Math.min(MAX_QUEUED, Math.floor(left * 0.4)),
    connections: listeners + left,
    memoryBytes: Math.floor((machineBytes * EDGES_SHARE) / edges),
  };
}

/** All descriptors but 5 %, where 5 % is at least 300 and at most 5,000. */
export function mostListeners(descriptors: number | undefined): number {
  if (descriptors === undefined) return Number.MAX_SAFE_INTEGER;
  return Math.max(1, descriptors - Math.min(5_000, Math.max(300, Math.floor(descriptors * 0.05))));
}

export function edgesFor(
  listeners: number,
  { listenersPerEdge, descriptors }: Omit<BudgetBasis, "edges" | "machineBytes">,
): number {
  return Math.ceil(listeners / Math.max(1, Math.min(listenersPerEdge, mostListeners(descriptors))));
}

export function capacityLine({ edges, listenersPerEdge, descriptors }: Omit<BudgetBasis, "machineBytes">): string {
  const each = Math.min(listenersPerEdge, mostListeners(descriptors));
  const count = (number: number): string => number.toLocaleString("en");
  const fits = `${edges} ${edges === 1 ? "edge holds" : "edges hold"} ${count(edges * each)} listeners, ${count(each)} each`;
  const need = edgesFor(100_000, { listenersPerEdge, descriptors });
  return edges >= need ? fits : `${fits}; for 100,000 start with --edges ${need}`;
}

/** `undefined`: not reported. Node raises its soft limit to the hard one. */
export async function readDescriptorLimit(): Promise<number | undefined> {
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const [, soft, hard] = /^Max open files\s+(\d+)\s+(\d+)/m.exec(limits) ?? [];
  const count = Math.max(Number(soft ?? 0), Number(hard ?? 0));
  return count > 0 ? count : undefined;
}
