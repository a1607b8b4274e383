// Spreads repeated work evenly over a period, so that an edge's pushes do not come in a burst.

export interface Wheel<T> {
  /** Adds `member` to the emptiest spoke. */
  add(member: T): void;
  remove(member: T): void;
  has(member: T): boolean;
  /** The members of the next spoke. Call it `spokes` times a period; do not keep the set. */
  next(): ReadonlySet<T>;
  /** Calls of `next` up to and including the first that gives a member; `Infinity` without members. */
  readonly stepsToNext: number;
  readonly size: number;
}

export function createWheel<T>(spokes: number): Wheel<T> {
  if (!Number.isInteger(spokes) || spokes < 1) throw new RangeError(`a wheel has at least one spoke, not ${spokes}`);
  const sets: Set<T>[] = Array.from({ length: spokes }, () => new Set<T>());
  const spokeOf = new Map<T, Set<T>>();
  let at = 0;

  function emptiest(): Set<T> {
    let best = sets[0] as Set<T>;
    for (const set of sets) if (set.size < best.size) best = set;
    return best;
  }

  return {
    add(member) {
      if (spokeOf.has(member)) return;
      const spoke = emptiest();
      spoke.add(member);
      spokeOf.set(member, spoke);
    },
    remove(member) {
      spokeOf.get(member)?.delete(member);
      spokeOf.delete(member);
    },
    has: (member) => spokeOf.has(member),
    next() {
      const spoke = sets[at] as Set<T>;
      at = (at + 1) % spokes;
      return spoke;
    },
    get stepsToNext() {
      if (spokeOf.size === 0) return Number.POSITIVE_INFINITY;
      let steps = 1;
      while (sets[(at + steps - 1) % spokes]?.size === 0) steps++;
      return steps;
    },
    get size() {
      return spokeOf.size;
    },
  };
}
