// The limit of unsent bytes above which a listener counts as stalled.

import { type Rendition, SLOTS_PER_SECOND } from "@hustings/wire/units.ts";
import { MAX_UNSENT_BYTES, STALL_MS } from "../edge-limits.ts";

/** STALL_MS of sound or two pushes, plus a quarter, at most MAX_UNSENT_BYTES. */
export function unsentLimitBytes(rendition: Rendition, cadenceMs: number): number {
  const bytesPerSecond = (Number(rendition) * 1_000) / 8 + SLOTS_PER_SECOND * 32;
  const seconds = Math.max(STALL_MS, cadenceMs * 2) / 1_000;
  return Math.min(MAX_UNSENT_BYTES, bytesPerSecond * seconds * 1.25);
}
