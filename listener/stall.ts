// Owns noticing that a player which should move does not. Refuses to mend it.

/** A playhead that stands this long is stalled. */
export const STALL_MS = 200;

export class StallWatch {
  #position = -1;
  #movedMs: number | undefined;
  count = 0;

  /** The playhead is at `position`; whether it has stood too long. Says so once per `STALL_MS`. Before it first moves there is no stall. */
  isStalled(position: number, nowMs: number): boolean {
    if (position !== this.#position) {
      this.#movedMs = this.#position < 0 || (this.#movedMs === undefined && position === 0) ? undefined : nowMs;
      this.#position = position;
      return false;
    }
    if (this.#movedMs === undefined || nowMs - this.#movedMs < STALL_MS) return false;
    this.#movedMs = nowMs;
    this.count += 1;
    return true;
  }

  /** The playhead is about to be moved, or to stand by will. */
  forget(): void {
    this.#position = -1;
    this.#movedMs = undefined;
  }
}
