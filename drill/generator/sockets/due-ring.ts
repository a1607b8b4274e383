// A timer wheel for listeners, with at most one due time each; every operation is O(1).

const NOBODY = -1;

export class DueRing {
  readonly #tickMs: number;
  /** First listener of each tick's list, and each listener's neighbours in its list. */
  readonly #first: Int32Array;
  readonly #after: Int32Array;
  readonly #before: Int32Array;
  /** The list that holds a listener; −1: none. */
  readonly #list: Int32Array;
  #tick: number;

  /** Listeners are due at most `maxMs` from now, in ticks of `tickMs`. */
  constructor(capacity: number, tickMs: number, maxMs: number, nowMs: number) {
    this.#tickMs = tickMs;
    this.#first = new Int32Array(Math.ceil(maxMs / tickMs) + 2).fill(NOBODY);
    this.#after = new Int32Array(capacity);
    this.#before = new Int32Array(capacity);
    this.#list = new Int32Array(capacity).fill(NOBODY);
    this.#tick = Math.floor(nowMs / tickMs);
  }

  /** Listener `i` is due in the first tick at `dueMs` or later. Replaces an earlier due time. */
  set(i: number, dueMs: number): void {
    this.remove(i);
    const latest = this.#tick + this.#first.length - 1;
    const tick = Math.min(latest, Math.max(this.#tick + 1, Math.ceil(dueMs / this.#tickMs)));
    const list = tick % this.#first.length;
    const next = this.#first[list] as number;
    this.#list[i] = list;
    this.#before[i] = NOBODY;
    this.#after[i] = next;
    this.#first[list] = i;
    if (next !== NOBODY) this.#before[next] = i;
  }

  remove(i: number): void {
    const list = this.#list[i] as number;
    if (list === NOBODY) return;
    const [before, after] = [this.#before[i] as number, this.#after[i] as number];
    if (before === NOBODY) this.#first[list] = after;
    else this.#after[before] = after;
    if (after !== NOBODY) this.#before[after] = before;
    this.#list[i] = NOBODY;
  }

  /** Removes and returns a listener that is due; −1: none. */
  take(nowMs: number): number {
    const last = Math.floor(nowMs / this.#tickMs);
    for (;;) {
      const i = this.#first[this.#tick % this.#first.length] as number;
      if (i !== NOBODY) {
        this.remove(i);
        return i;
      }
      if (this.#tick >= last) return NOBODY;
      this.#tick++;
    }
  }
}
