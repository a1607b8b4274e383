// Owns how many listeners one process may have. Pure.

/** Descriptors that a process needs besides its listeners. */
const SPARE_DESCRIPTORS = 1_000;
/** Of 20,000 descriptors, which is what a process has where nobody raised it. */
export const MAX_LISTENERS_PER_PROCESS = 19_000;
export const MAX_GENERATORS = 64;

/** Listeners that one process can have where it may open `descriptors` files. */
export function listenersPerProcess(descriptors: number): number {
  return Math.max(1, Math.min(MAX_LISTENERS_PER_PROCESS, descriptors - SPARE_DESCRIPTORS));
}

/** Generators for `people`: at least one per core, so that all of them work. */
export function generatorsFor(people: number, descriptors: number, cores: number): number {
  const least = Math.ceil(people / listenersPerProcess(descriptors));
  return Math.min(MAX_GENERATORS, Math.max(least, people > 2_000 ? cores : 1));
}

/** How many of `total` are the share of number `i` of `count`: all shares are within one and add up. */
export function shareOf(total: number, i: number, count: number): number {
  return Math.floor(((i + 1) * total) / count) - Math.floor((i * total) / count);
}
