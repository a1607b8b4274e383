// Owns those who have left and whose sockets are still to be closed: closing them takes time that others need as well. Refuses
// to decide who leaves; says how many do, by the time that passed, however often somebody looks.

/** Who is to leave does so within this time: evenly, not in a burst. */
export const LEAVE_MS = 100;

interface Leaver {
  readonly leftMs: number;
  readonly hangUp: () => void;
}

export class Leaving {
  /** Whoever left first first; those before `#first` have gone. */
  #leavers: Leaver[] = [];
  #first = 0;

  /** Who has left and not gone. */
  get size(): number {
    return this.#leavers.length - this.#first;
  }

  /** Somebody left at `leftMs`, and `hangUp` closes their socket. */
  add(leftMs: number, hangUp: () => void): void {
    this.#leavers.push({ leftMs, hangUp });
  }

  /** Closes the socket of whoever left first: when that was; `undefined` where nobody is left to go. */
  go(): number | undefined {
    const leaver = this.#leavers[this.#first++];
    if (this.#first >= this.#leavers.length) {
      this.#leavers = [];
      this.#first = 0;
    }
    leaver?.hangUp();
    return leaver?.leftMs;
  }
}

/** How many of `due`, who are to leave, have left after `elapsedMs` more. All of them where nobody looked for so long. */
export function leavingOf(due: number, elapsedMs: number): number {
  return due <= 0 ? 0 : Math.ceil(due * Math.min(1, Math.max(0, elapsedMs) / LEAVE_MS));
}
