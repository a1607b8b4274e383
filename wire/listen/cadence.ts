// The cadences at which an edge may push, and the buffer that each needs. docs/wire.md §4 is normative.

export interface CadenceRung {
  readonly cadenceMs: number;
  /** Sound that should be buffered just before a push. Cadence plus margin is the usual lag. */
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
 * Buffer beyond the margin, so that nobody hears the death of an edge while others take its listeners. Requested in
 * steps of `stepMs` up to `mostMs`; counts at cadences of `fromCadenceMs` and slower.
 */
export const RESERVE = { stepMs: 2_000, mostMs: 12_000, fromCadenceMs: 1_000 } as const;

export function reserveAt(cadenceMs: number, reserveMs: number): number {
  return cadenceMs >= RESERVE.fromCadenceMs && reserveMs > 0 ? Math.min(RESERVE.mostMs, reserveMs) : 0;
}

/** The lag behind the edge's newest sound just after a push. */
export function usualLagMs({ cadenceMs, marginMs }: CadenceRung, reserveMs = 0): number {
  return cadenceMs + marginMs + reserveAt(cadenceMs, reserveMs);
}

/** The fastest rung not faster than `cadenceMs`, else the slowest. */
export function rungFor(cadenceMs: number): CadenceRung {
  return CADENCE_LADDER.find((rung) => rung.cadenceMs >= cadenceMs) ?? (CADENCE_LADDER.at(-1) as CadenceRung);
}
