// Owns putting together what a listener measured. Refuses to measure.

import { type Rendition, SLOT_SAMPLES } from "@hustings/wire/units.ts";
import type { LinkState } from "../session/link-states.ts";
import type { Session } from "../session/session.ts";

import type { EarState } from "./ear-states.ts";
import type { Playout } from "./playout.ts";

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
  readonly usualLagMs: number;
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

export function statsOf(session: Session, playout: Playout, stalls: number): ListenerStats {
  const { counts, mouthToEar } = playout;
  const { heardSamples, mouthToEarMs, ...plain } = counts;
  return {
    ...plain,
    ...session.counts,
    link: session.link,
    ear: playout.ear,
    heardSlots: Math.round(heardSamples / SLOT_SAMPLES),
    mouthToEarMs: { last: mouthToEarMs, p50: mouthToEar.quantile(0.5), p95: mouthToEar.quantile(0.95) },
    lagMs: playout.lagMs,
    aheadMs: playout.aheadMs,
    targetMs: playout.pace.targetMs,
    usualLagMs: playout.pace.usualLagMs,
    rate: playout.pace.rate,
    rateChanges: playout.pace.rateChanges,
    cadenceMs: session.cadenceMs,
    rendition: session.rendition,
    duplicates: session.order.duplicates,
    stalls,
  };
}
