// Owns noticing that a playhead which should move does not. Refuses to mend it.

/** A playhead that moved and then stands this long is stalled; with the player's step it is seen within 250 ms. */
export const STALL_MS = 200;
/** One that has not moved yet may take this long: devices open slowly. */
export const START_STALL_MS = 1_000;

export class StallDetector {
  #position = -1;
  #sinceMs = 0;
  #hasMoved = false;
  count = 0;

  /** The playhead is at `position`: whether it has stood too long. Says so once for each such time. */
  isStalled(position: number, nowMs: number): boolean {
    if (position !== this.#position) {
      this.#hasMoved = this.#position >= 0;
      this.#position = position;
      this.#sinceMs = nowMs;
      return false;
    }
    if (nowMs - this.#sinceMs < (this.#hasMoved ? STALL_MS : START_STALL_MS)) return false;
    this.#sinceMs = nowMs;
    this.count += 1;
    return true;
  }

  /** The playhead is about to be moved, or to stand by will. */
  reset(): void {
    this.#position = -1;
    this.#hasMoved = false;
  }
}
