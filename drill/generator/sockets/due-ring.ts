// Owns whose turn comes in which tick: places of a crowd in a ring of lists, each place in one list at most. Pure; adding,
// removing and taking cost the same however many there are. Refuses to know what is done when a turn comes.

const NOBODY = -1;

export class DueRing {
  readonly #tickMs: number;
  /** The first place of each list, and the neighbours of each place in its list. */
  readonly #first: Int32Array;
  readonly #after: Int32Array;
  readonly #before: Int32Array;
  /** In which list a place is; −1: in none. */
  readonly #list: Int32Array;
  /** The tick whose turn came last. */
  #tick: number;

  /** For `places`, due at most `mostMs` from now, in ticks of `tickMs`. */
  constructor(places: number, tickMs: number, mostMs: number, nowMs: number) {
    this.#tickMs = tickMs;
    this.#first = new Int32Array(Math.ceil(mostMs / tickMs) + 2).fill(NOBODY);
    this.#after = new Int32Array(places);
    this.#before = new Int32Array(places);
    this.#list = new Int32Array(places).fill(NOBODY);
    this.#tick = Math.floor(nowMs / tickMs);
  }

  /** The turn of `i` comes with the first tick that begins at `dueMs` or later, and no other turn of theirs. */
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

  /** No turn of `i` comes. */
  remove(i: number): void {
    const list = this.#list[i] as number;
    if (list === NOBODY) return;
    const [before, after] = [this.#before[i] as number, this.#after[i] as number];
    if (before === NOBODY) this.#first[list] = after;
    else this.#after[before] = after;
    if (after !== NOBODY) this.#before[after] = before;
    this.#list[i] = NOBODY;
  }

  /** Somebody whose turn has come by `nowMs`, and whose turn is over then; −1: nobody. */
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
