// Sizes a process's listeners, and divides a crowd among processes and machines.

import { readDescriptorLimit } from "@hustings/server/ops/host/listener-budget.ts";

const SPARE_DESCRIPTORS = 1_000;
const UNKNOWN_DESCRIPTORS = 1_024;
/** Fits 20,000 descriptors, a common limit of a process. */
export const MAX_LISTENERS_PER_PROCESS = 19_000;
export const MAX_GENERATORS = 64;

export async function descriptorLimit(): Promise<number> {
  return (await readDescriptorLimit()) ?? UNKNOWN_DESCRIPTORS;
}

export function listenersPerProcess(descriptors: number): number {
  return Math.max(1, Math.min(MAX_LISTENERS_PER_PROCESS, descriptors - SPARE_DESCRIPTORS));
}

/** Number of generators for `people`; a large crowd uses every core. */
export function generatorsFor(people: number, descriptors: number, cores: number): number {
  const least = Math.ceil(people / listenersPerProcess(descriptors));
  return Math.min(MAX_GENERATORS, Math.max(least, people > 2_000 ? cores : 1));
}

/** The part of `total` for member `i` of `count`. Parts differ by at most one and add up to `total`. */
export function shareOf(total: number, i: number, count: number): number {
  return Math.floor(((i + 1) * total) / count) - Math.floor((i * total) / count);
}
