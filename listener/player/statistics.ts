// Owns putting together what a listener measured. Refuses to measure.

import { SLOT_SAMPLES } from "@hustings/wire/units.ts";
import type { Session } from "../session/session.ts";
import type { ListenerStats } from "./measurements.ts";
import type { Playout } from "./playout.ts";

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
    usualMs: playout.pace.usualMs,
    rate: playout.pace.rate,
    rateChanges: playout.pace.rateChanges,
    cadenceMs: session.cadenceMs,
    rendition: session.rendition,
    duplicates: session.order.duplicates,
    stalls,
  };
}
