// Owns putting together what a listener measured. Refuses to measure.

import { SLOT_SAMPLES } from "@hustings/wire/units.ts";
import type { ListenerStats } from "./measure.ts";
import type { Playout } from "./playout.ts";
import type { Session } from "./session.ts";

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
    targetMs: playout.targetMs,
    rate: playout.rate,
    duplicates: session.order.duplicates,
    stalls,
  };
}
