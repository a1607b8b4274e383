// Decides when a listener reports, with a ping, how far behind the stage it hears. SPEC.md L16.

/** About this many listeners of a space report; more would say no more. */
const REPORTERS = 2_000;
const CHANGE_MS = 1_000;
const EVERY_MS = 30_000;

export class LagReport {
  readonly #share: number;
  #isReporter: boolean | undefined;
  #lagMs: number | undefined;
  #reportedMs: number | undefined;

  /** `share`, constant in `[0, 1)`, spreads listeners that arrived together. */
  constructor(share: number) {
    this.#share = share;
  }

  /** The edge of a new connection does not know the lag yet. */
  onSnapshot(audience: number): void {
    this.#isReporter ??= ((this.#share * 7_919) % 1) * audience < REPORTERS;
    this.#reportedMs = undefined;
  }

  measured(lagMs: number): void {
    this.#lagMs = Math.max(0, Math.round(lagMs));
  }

  /** Time since the last ping; Infinity: there is no news. */
  get nextPingMs(): number {
    const isNews = this.#lagMs !== undefined && Math.abs(this.#lagMs - (this.#reportedMs ?? Infinity)) > CHANGE_MS;
    return this.#isReporter && isNews ? EVERY_MS * (1 + this.#share) : Infinity;
  }

  /** The fields that a ping carries for the lag. */
  take(): { readonly lagMs?: number } {
    if (!this.#isReporter || this.#lagMs === undefined) return {};
    this.#reportedMs = this.#lagMs;
    return { lagMs: this.#lagMs };
  }
}
