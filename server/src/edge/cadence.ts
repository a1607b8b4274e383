// Owns what each cadence means for a listener: how far back a first flight begins. Refuses to choose a cadence.

import { SLOT_MS } from "@hustings/wire/units.ts";

export interface CadenceRow {
  /** Milliseconds between two pushes to one listener. */
  readonly cadenceMs: number;
  /** Slots before the head with which a newcomer begins: enough to play at once and until the next push has come. */
  readonly flightSlots: number;
}

/** Ascending. A push carries what came since the last, so a player needs one cadence and a margin for the way. */
export const CADENCE_TABLE: readonly CadenceRow[] = [200, 400, 1_000, 2_000, 4_000, 8_000].map((cadenceMs) => ({
  cadenceMs,
  flightSlots: Math.ceil((cadenceMs * 1.25 + 1_500) / SLOT_MS),
}));

export const FASTEST = CADENCE_TABLE[0] as CadenceRow;

/** Throws RangeError unless the table has a row of `cadenceMs`. */
export function cadenceOf(cadenceMs: number): CadenceRow {
  const row = CADENCE_TABLE.find((one) => one.cadenceMs === cadenceMs);
  if (!row) throw new RangeError(`${cadenceMs} ms is no cadence of the table`);
  return row;
}
