// A listener's measurements of itself.

import { type Rendition, SLOT_SAMPLES } from "@hustings/wire/units.ts";
import type { LinkState } from "../session/link-states.ts";
import type { Session } from "../session/session.ts";

import type { EarState } from "./ear-states.ts";
import type { Playout } from "./playout.ts";

/** Values since the session began; `undefined`: not measured yet. */
export interface ListenerStats {
  readonly link: LinkState;
  readonly ear: EarState;
  /** From the tap until the playhead reached the first sound. */
  readonly firstSoundMs: number | undefined;
  readonly heardSlots: number;
  /** The playhead reached a slot that had not come, and filler was written. */
  readonly gaps: number;
  readonly gapMs: number;
  /** Filler while no words were due: stage away, hold music. */
  readonly awayMs: number;
  readonly heldMs: number;
  /** Existing slots not heard: jumped over, or not sent. */
  readonly skippedSlots: number;
  readonly jumps: number;
  readonly absentSlots: number;
  readonly lagMs: number;
  readonly aheadMs: number;
  readonly targetMs: number;
  readonly usualLagMs: number;
  readonly cadenceMs: number;
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
  /** Stalls of the browser's player; 0 in the headless player. */
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
