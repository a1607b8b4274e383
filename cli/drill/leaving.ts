// Owns how fast people leave whom an hour no longer wants: by the time that passed, however often somebody looks. Who could
// not be let go when their time came is owed it, and since when is known. Pure. Refuses to know who they are.

/** Who is to leave does so within this time: evenly, not in a burst. */
export const LEAVE_MS = 100;

export class Leaving {
  /** How many were to go when, oldest first; those before `#first` have gone. */
  #groups: { readonly atMs: number; people: number }[] = [];
  #first = 0;
  #owed = 0;

  /** Who is to have gone and has not. */
  get owed(): number {
    return this.#owed;
  }

  /** `excess` of those who are in are not wanted, and `elapsedMs` passed since somebody looked: some are to go by `nowMs`. */
  look(excess: number, elapsedMs: number, nowMs: number): void {
    const people = leavingOf(excess - this.#owed, elapsedMs);
    if (people === 0) return;
    this.#owed += people;
    this.#groups.push({ atMs: nowMs, people });
  }

  /** When the next who goes was to go. Throws RangeError where nobody is owed it. */
  go(): number {
    const group = this.#groups[this.#first];
    if (group === undefined) throw new RangeError("nobody is to go");
    this.#owed--;
    group.people--;
    if (group.people === 0) this.#first++;
    if (this.#owed === 0) {
      this.#groups = [];
      this.#first = 0;
    }
    return group.atMs;
  }
}

/** How many of `due`, who are to leave, have left after `elapsedMs` more. All of them where nobody looked for so long. */
export function leavingOf(due: number, elapsedMs: number): number {
  return due <= 0 ? 0 : Math.ceil(due * Math.min(1, Math.max(0, elapsedMs) / LEAVE_MS));
}
