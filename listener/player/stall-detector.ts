// Notices a playhead that should move and does not.

/** For a playhead that has moved. */
export const STALL_MS = 200;
/** For a playhead that has not moved yet: audio devices open slowly. */
export const START_STALL_MS = 1_000;

export class StallDetector {
  #position = -1;
  #sinceMs = 0;
  #hasMoved = false;
  count = 0;

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

  reset(): void {
    this.#position = -1;
    this.#hasMoved = false;
  }
}
