// Decides whether the other side is there. Sound is the quickest sign; RTCP and messages also count, because a silent
// sender may send no sound. Pure.

/** Without any sign for this long, a speaker who sends steadily is away. Chromium sends while muted, DTX every 400 ms. */
export const SILENCE_MS = 1_000;
/** Two reports missed: RTCP comes every 2.5 to 7.5 s (RFC 3550 §6.2). */
const REPORTS_MISSED_MS = 15_000;
/** A sign that is not followed by sound for this long shows that the sender pauses its sound on purpose. */
const PAUSE_CONFIRMED_MS = 1_000;
/** Sound without a pause for this long makes a sender a steady one again. */
const STEADY_AFTER_MS = 60_000;

/** All times are on one monotonic clock and never go back. */
export class Liveness {
  #soundMs: number | undefined;
  #signMs = -Infinity;
  #pauseSignMs: number | undefined;
  #steadySinceMs = 0;
  /** This sender was there during a pause before, so its next pause is not taken for absence. */
  #isPausing = false;

  sound(nowMs: number): void {
    this.#confirmPause(nowMs);
    this.#pauseSignMs = undefined;
    if (this.#soundMs === undefined || nowMs - this.#soundMs > SILENCE_MS) this.#steadySinceMs = nowMs;
    if (nowMs - this.#steadySinceMs > STEADY_AFTER_MS) this.#isPausing = false;
    this.#soundMs = nowMs;
  }

  sign(nowMs: number): void {
    this.#signMs = nowMs;
    if (!this.#hasSound(nowMs)) this.#pauseSignMs ??= nowMs;
  }

  /** After our own stall: what came before it counts as if it had come now. */
  restart(nowMs: number): void {
    if (this.#soundMs !== undefined) this.#soundMs = nowMs;
    if (this.#signMs !== -Infinity) this.#signMs = nowMs;
    this.#pauseSignMs = undefined;
  }

  /** False before the first sound. */
  isThere(nowMs: number): boolean {
    if (this.#soundMs === undefined) return false;
    this.#confirmPause(nowMs);
    if (this.#hasSound(nowMs)) return true;
    return this.#isPausing && nowMs - Math.max(this.#signMs, this.#soundMs) <= REPORTS_MISSED_MS;
  }

  #hasSound(nowMs: number): boolean {
    return this.#soundMs !== undefined && nowMs - this.#soundMs <= SILENCE_MS;
  }

  #confirmPause(nowMs: number): void {
    if (this.#pauseSignMs !== undefined && nowMs - this.#pauseSignMs >= PAUSE_CONFIRMED_MS) this.#isPausing = true;
  }
}
