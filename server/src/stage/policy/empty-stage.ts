// Decides when a live space with nobody on its stage ends, so that a forgotten space does not stay live for ever.

/** With this many listeners the host may still be on the way back, so the space waits `CROWD_PATIENCE` times as long. */
export const CROWD = 10;
export const CROWD_PATIENCE = 6;

export function endsEmpty(emptyForMs: number, audience: number, limitMs: number): boolean {
  return emptyForMs >= (audience >= CROWD ? limitMs * CROWD_PATIENCE : limitMs);
}
