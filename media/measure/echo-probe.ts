// The sound of the echo check: a row of chirps in the band of speech, which is found again in a recording. Pure.

export interface Chirp {
  /** From the start of the sound. */
  readonly atMs: number;
  readonly fromHz: number;
  readonly toHz: number;
}

export const CHIRP_MS = 160;
const AMPLITUDE = 0.35;
/** RMS of one chirp in dB of full scale: its fade has a mean square of 3/8, its sine one of 1/2. */
export const CHIRP_RMS_DB = 20 * Math.log10(AMPLITUDE) + 10 * Math.log10(3 / 16);

const SWEEPS_HZ = [
  [500, 1_400],
  [1_900, 800],
  [700, 2_000],
  [1_500, 500],
  [900, 2_200],
] as const;
/** Uneven, so that the row matches itself at one delay only. */
const GAPS_MS = [70, 110, 90, 140, 60, 120, 80, 130, 100, 75, 125, 95, 65, 135, 105, 85];

/** The browser's echo cancellation learns from the first ones, as it has from the voices before on air. */
export const LEARNING_CHIRPS = 6;
export const CHIRPS: readonly Chirp[] = chirps();
export const PROBE_MS = (CHIRPS.at(-1)?.atMs ?? 0) + CHIRP_MS + 50;

function chirps(): readonly Chirp[] {
  let atMs = 50;
  return GAPS_MS.map((gapMs, i) => {
    const [fromHz, toHz] = SWEEPS_HZ[i % SWEEPS_HZ.length] ?? SWEEPS_HZ[0];
    const one = { atMs, fromHz, toHz };
    atMs += CHIRP_MS + gapMs;
    return one;
  });
}

export function chirpPcm({ fromHz, toHz }: Chirp, rateHz: number): Float32Array {
  const length = Math.round((CHIRP_MS * rateHz) / 1_000);
  const seconds = CHIRP_MS / 1_000;
  return Float32Array.from({ length }, (_, n) => {
    const t = n / rateHz;
    const phase = 2 * Math.PI * (fromHz * t + ((toHz - fromHz) / (2 * seconds)) * t * t);
    return AMPLITUDE * Math.sin(phase) * Math.sin((Math.PI * n) / length) ** 2;
  });
}

/** Mono. */
export function probePcm(rateHz: number): Float32Array {
  const pcm = new Float32Array(Math.ceil((PROBE_MS * rateHz) / 1_000));
  for (const chirp of CHIRPS) pcm.set(chirpPcm(chirp, rateHz), Math.round((chirp.atMs * rateHz) / 1_000));
  return pcm;
}
