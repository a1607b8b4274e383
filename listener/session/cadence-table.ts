// The buffer's target and limits per cadence. docs/latency.md has their sources.

import { CADENCE_LADDER } from "@hustings/wire/listen/cadence.ts";

export interface CadenceRow {
  readonly cadenceMs: number;
  /** Below this the player writes local filler. */
  readonly lowMs: number;
  /** The buffer wanted just before a push. */
  readonly targetMs: number;
  /** Late sound raises the target up to this. */
  readonly maxTargetMs: number;
}

const LOW_MS = [170, 200, 200, 200, 200, 200];
const MAX_TARGET_MS = [1_500, 2_000, 4_000, 5_000, 6_000, 8_000];

export const CADENCE_TABLE: readonly CadenceRow[] = CADENCE_LADDER.map(({ cadenceMs, marginMs }, i) => ({
  cadenceMs,
  lowMs: LOW_MS[i] as number,
  targetMs: marginMs,
  maxTargetMs: MAX_TARGET_MS[i] as number,
}));

/** The first of at least `cadenceMs`, else the slowest. */
export function cadenceRow(cadenceMs: number): CadenceRow {
  return CADENCE_TABLE.find((row) => row.cadenceMs >= cadenceMs) ?? (CADENCE_TABLE.at(-1) as CadenceRow);
}
