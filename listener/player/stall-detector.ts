// Notices a playhead that should move and does not.

/** A playhead that moved and then stands for this long is stalled. */
export const STALL_MS = 200;
/** Before it first moves, a playhead may stand for this long, because audio devices open slowly. */
export const START_STALL_MS = 1_000;

export class StallDetector {
  #position = -1;
  #sinceMs = 0;
  #hasMoved = false;
  count = 0;

  /** Whether the playhead has stood at `position` for too long; true once per interval. */
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

  /** The playhead is about to seek or to stand on purpose. */
  reset(): void {
    this.#position = -1;
    this.#hasMoved = false;
  }
}
