// The state of every listener of one process, in typed arrays with a row per listener: about a hundred bytes each.

import { FASTEST_CADENCE_MS } from "@hustings/wire/listen/cadence.ts";

export const STATE = {
  empty: 0,
  connecting: 1,
  awaitingSnapshot: 2,
  following: 3,
  retrying: 4,
  ended: 5,
  queued: 6,
} as const;

/** `once`: stalled earlier and reads again, but stays excluded from gap and fault counts. */
export const STALL = { never: 0, now: 1, once: 2 } as const;

export class ListenerTable {
  readonly state: Uint8Array;
  /** Deadline of `connecting`, `awaitingSnapshot` and `queued`; time of the next attempt in `retrying`. */
  readonly dueMs: Float64Array;
  /** The next slot to play; −1: none yet. */
  readonly next: Float64Array;
  /** The edge announced that slots below this one are not sent. */
  readonly skippedTo: Float64Array;
  readonly stateSeq: Float64Array;
  readonly cadenceMs: Uint16Array;
  /** Buffer that the edge asks for beyond the cadence's margin. */
  readonly reserveMs: Float64Array;
  readonly attempt: Uint8Array;
  /** When this connection began to follow. */
  readonly sinceMs: Float64Array;
  readonly heardMs: Float64Array;
  /** When an unanswered ping was sent; 0: none. */
  readonly pingedMs: Float64Array;
  readonly clockPingMs: Float64Array;
  readonly restUntilMs: Float64Array;
  readonly tappedMs: Float64Array;
  /** When the listener entered the admission queue, by the edge's clock; 0: not queued. */
  readonly queuedSinceUtcMs: Float64Array;
  /** Proof of its place at an edge or in a queue. */
  readonly claims: (string | undefined)[] = [];
  readonly isAway: Uint8Array;
  readonly stalled: Uint8Array;
  readonly hasFailed: Uint8Array;
  /** 1: has asked for the edge's clock. */
  readonly hasAsked: Uint8Array;
  /** When the newest fault cost this listener its connection; 0: it did not; −1: it did, and sound has returned. */
  readonly lostAtMs: Float64Array;

  constructor(capacity: number) {
    this.state = new Uint8Array(capacity);
    this.dueMs = new Float64Array(capacity);
    this.next = new Float64Array(capacity);
    this.skippedTo = new Float64Array(capacity);
    this.stateSeq = new Float64Array(capacity);
    this.cadenceMs = new Uint16Array(capacity);
    this.reserveMs = new Float64Array(capacity);
    this.attempt = new Uint8Array(capacity);
    this.sinceMs = new Float64Array(capacity);
    this.heardMs = new Float64Array(capacity);
    this.pingedMs = new Float64Array(capacity);
    this.clockPingMs = new Float64Array(capacity);
    this.restUntilMs = new Float64Array(capacity);
    this.tappedMs = new Float64Array(capacity);
    this.queuedSinceUtcMs = new Float64Array(capacity);
    this.isAway = new Uint8Array(capacity);
    this.stalled = new Uint8Array(capacity);
    this.hasFailed = new Uint8Array(capacity);
    this.hasAsked = new Uint8Array(capacity);
    this.lostAtMs = new Float64Array(capacity);
  }

  tap(i: number, nowMs: number): void {
    this.tappedMs[i] = nowMs;
    this.next[i] = this.skippedTo[i] = -1;
    this.queuedSinceUtcMs[i] =
      this.stateSeq[i] =
      this.reserveMs[i] =
      this.attempt[i] =
      this.stalled[i] =
      this.hasFailed[i] =
      this.hasAsked[i] =
      this.lostAtMs[i] =
        0;
    this.claims[i] = undefined;
    this.cadenceMs[i] = FASTEST_CADENCE_MS;
  }
}
