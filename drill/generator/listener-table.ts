// Owns what is remembered of each listener of a crowd, in typed arrays: a place costs some hundred bytes, and there are
// hundreds of thousands. Refuses to know what it means.

import { FASTEST_CADENCE_MS } from "@hustings/wire/listen/cadence.ts";

export const PLACE = { empty: 0, connecting: 1, meeting: 2, following: 3, waiting: 4, over: 5, line: 6 } as const;
/** Reads as it should; reads nothing; read nothing once, and is counted apart for good. */
export const STALL = { never: 0, now: 1, once: 2 } as const;

export class Places {
  /** One of PLACE. */
  readonly state: Uint8Array;
  /** Deadline of connecting and meeting; when the next try is due. */
  readonly dueMs: Float64Array;
  /** The slot whose turn it is; −1: none yet. */
  readonly next: Float64Array;
  /** Up to here the edge said that slots are not sent. */
  readonly skippedTo: Float64Array;
  readonly stateSeq: Float64Array;
  readonly cadenceMs: Uint16Array;
  /** What the edge would like ahead beyond the cadence's margin. */
  readonly reserveMs: Float64Array;
  /** Tries since the last steady connection. */
  readonly attempt: Uint8Array;
  /** Since when this connection follows; when anything came last; when a ping was sent that nothing answered (0: none). */
  readonly sinceMs: Float64Array;
  readonly heardMs: Float64Array;
  readonly pingedMs: Float64Array;
  readonly clockPingMs: Float64Array;
  /** Until then nothing is due of one who follows. */
  readonly restMs: Float64Array;
  readonly tappedMs: Float64Array;
  /** Since when they stand in the line at the door, by the edge's word; 0: they do not. */
  readonly sinceUtcMs: Float64Array;
  readonly isAway: Uint8Array;
  /** One of STALL. */
  readonly stalled: Uint8Array;
  readonly hasGivenUp: Uint8Array;
  /** Whether the edge's clock was asked for. */
  readonly hasAsked: Uint8Array;
  /** When the connection was lost after the newest fault; 0: it was not; −1: it was, and sound is back. */
  readonly lostAtMs: Float64Array;

  constructor(count: number) {
    this.state = new Uint8Array(count);
    this.dueMs = new Float64Array(count);
    this.next = new Float64Array(count);
    this.skippedTo = new Float64Array(count);
    this.stateSeq = new Float64Array(count);
    this.cadenceMs = new Uint16Array(count);
    this.reserveMs = new Float64Array(count);
    this.attempt = new Uint8Array(count);
    this.sinceMs = new Float64Array(count);
    this.heardMs = new Float64Array(count);
    this.pingedMs = new Float64Array(count);
    this.clockPingMs = new Float64Array(count);
    this.restMs = new Float64Array(count);
    this.tappedMs = new Float64Array(count);
    this.sinceUtcMs = new Float64Array(count);
    this.isAway = new Uint8Array(count);
    this.stalled = new Uint8Array(count);
    this.hasGivenUp = new Uint8Array(count);
    this.hasAsked = new Uint8Array(count);
    this.lostAtMs = new Float64Array(count);
  }

  /** Somebody new at place `i`. */
  tap(i: number, nowMs: number): void {
    this.tappedMs[i] = nowMs;
    this.next[i] = this.skippedTo[i] = -1;
    this.sinceUtcMs[i] =
      this.stateSeq[i] =
      this.reserveMs[i] =
      this.attempt[i] =
      this.stalled[i] =
      this.hasGivenUp[i] =
      this.hasAsked[i] =
      this.lostAtMs[i] =
        0;
    this.cadenceMs[i] = FASTEST_CADENCE_MS;
  }
}
