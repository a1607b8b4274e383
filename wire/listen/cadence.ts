// Owns the ladder of cadences: how far apart an edge's pushes to one listener may be, and what a player should still have
// ahead just before the next push, what an edge may ask for beyond that included. Refuses to choose either. docs/wire.md §4
// is normative.

export interface CadenceRung {
  /** Milliseconds between two pushes to one listener. */
  readonly cadenceMs: number;
  /** What should still be ahead of the playhead just before a push comes: a cadence and this is the usual lag. */
  readonly marginMs: number;
}

/** Ascending. */
export const CADENCE_LADDER: readonly CadenceRung[] = [
  { cadenceMs: 200, marginMs: 400 },
  { cadenceMs: 400, marginMs: 600 },
  { cadenceMs: 1_000, marginMs: 2_000 },
  { cadenceMs: 2_000, marginMs: 2_500 },
  { cadenceMs: 4_000, marginMs: 3_000 },
  { cadenceMs: 8_000, marginMs: 4_000 },
];

export const FASTEST_CADENCE_MS = 200;

/**
 * The reserve: what an edge may ask its listeners to have ahead beyond a rung's margin, for the time in which the other edges
 * would take its people. It counts from the cadence on at which low latency is worth less than that.
 */
export const RESERVE = { stepMs: 2_000, mostMs: 12_000, fromCadenceMs: 1_000 } as const;

/** What of a reserve that was asked for counts at `cadenceMs`. */
export function reserveAt(cadenceMs: number, reserveMs: number): number {
  return cadenceMs >= RESERVE.fromCadenceMs && reserveMs > 0 ? Math.min(RESERVE.mostMs, reserveMs) : 0;
}

/** How far the playhead usually is behind the newest sound that the edge has, just after a push. */
export function usualLagMs({ cadenceMs, marginMs }: CadenceRung, reserveMs = 0): number {
  return cadenceMs + marginMs + reserveAt(cadenceMs, reserveMs);
}

/** The first rung that is not faster than `cadenceMs`, or the slowest. */
export function rungFor(cadenceMs: number): CadenceRung {
  return CADENCE_LADDER.find((rung) => rung.cadenceMs >= cadenceMs) ?? (CADENCE_LADDER.at(-1) as CadenceRung);
}
