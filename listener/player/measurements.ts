// Owns what a listener measures of itself: the shapes, and the histogram that quantiles come from. Refuses to know how
// anything is played.

import type { Rendition } from "@hustings/wire/units.ts";
import type { EarState, LinkState } from "../session/state-machines.ts";

/** Everything since the session began, for display, tests and drills. Milliseconds and slots; `undefined`: not yet. */
export interface ListenerStats {
  readonly link: LinkState;
  readonly ear: EarState;
  /** From the tap to the first sound of the space at the playhead. */
  readonly firstSoundMs: number | undefined;
  /** Slots of sound that the playhead passed. */
  readonly heardSlots: number;
  /** Times that the playhead reached a slot that had not come, and how much filler that took. */
  readonly gaps: number;
  readonly gapMs: number;
  /** Filler while the edge said that the stage was away, or while hold music was on air: no word was missed. */
  readonly awayMs: number;
  readonly heldMs: number;
  /** Slots that exist and were not heard: jumps, and what the edge did not have. */
  readonly skippedSlots: number;
  readonly jumps: number;
  /** Slots that the log declared absent or a gap. */
  readonly absentSlots: number;
  /** From the playhead to the newest slot known. */
  readonly lagMs: number;
  readonly aheadMs: number;
  readonly targetMs: number;
  /** How far behind a listener is who is where they should be. */
  readonly usualMs: number;
  readonly cadenceMs: number;
  /** What came last. */
  readonly rendition: Rendition;
  readonly rate: number;
  readonly rateChanges: number;
  readonly mouthToEarMs: {
    readonly last: number | undefined;
    readonly p50: number | undefined;
    readonly p95: number | undefined;
  };
  readonly connections: number;
  readonly bytes: number;
  readonly newSlots: number;
  readonly duplicates: number;
  readonly badFrames: number;
  /** Stalls of the browser's player that had to be nudged; 0 in a model. */
  readonly stalls: number;
}

const BIN_MS = 10;
const BINS = 2_000;

/** Counts of values from 0 to 20 s in steps of 10 ms; what is beyond counts at the end. */
export class Histogram {
  readonly #bins = new Uint32Array(BINS);
  #count = 0;

  add(valueMs: number): void {
    const bin = Math.min(BINS - 1, Math.max(0, Math.floor(valueMs / BIN_MS)));
    this.#bins[bin] = (this.#bins[bin] ?? 0) + 1;
    this.#count += 1;
  }

  /** All of `other` too: for the quantiles of a crowd. */
  merge(other: Histogram): void {
    for (let bin = 0; bin < BINS; bin++) this.#bins[bin] = (this.#bins[bin] ?? 0) + (other.#bins[bin] ?? 0);
    this.#count += other.#count;
  }

  get count(): number {
    return this.#count;
  }

  /** The middle of the step in which the `share` (0 to 1) of values ends; `undefined` without values. */
  quantile(share: number): number | undefined {
    if (this.#count === 0) return undefined;
    let left = share * this.#count;
    for (let bin = 0; bin < BINS; bin++) {
      left -= this.#bins[bin] ?? 0;
      if (left <= 0) return (bin + 0.5) * BIN_MS;
    }
    return BINS * BIN_MS;
  }
}
