// What a listener measures about itself.

import { type Rendition, SLOT_SAMPLES } from "@hustings/wire/units.ts";
import type { LinkState } from "../session/link-states.ts";
import type { Session } from "../session/session.ts";

import type { EarState } from "./ear-states.ts";
import type { Playout } from "./playout.ts";

/** Since the session began, in milliseconds and slots; `undefined` when not measured yet. */
export interface ListenerStats {
  readonly link: LinkState;
  readonly ear: EarState;
  /** From the tap until the playhead reached the first sound. */
  readonly firstSoundMs: number | undefined;
  /** Slots of sound that the playhead passed. */
  readonly heardSlots: number;
  /** How often the playhead reached a slot that had not come, and the filler written for it. */
  readonly gaps: number;
  readonly gapMs: number;
  /** Filler while the stage was away, and while hold music was on air. No words were due. */
  readonly awayMs: number;
  readonly heldMs: number;
  /** Slots that exist and were not heard: jumped over, or not sent by the edge. */
  readonly skippedSlots: number;
  readonly jumps: number;
  /** Slots that the log declared absent or a gap. */
  readonly absentSlots: number;
  /** From the playhead to the newest known slot. */
  readonly lagMs: number;
  readonly aheadMs: number;
  readonly targetMs: number;
  /** The lag of a listener with the right buffer. */
  readonly usualLagMs: number;
  readonly cadenceMs: number;
  /** The received rendition. */
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
