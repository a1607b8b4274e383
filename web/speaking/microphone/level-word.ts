// Judges from a few seconds of microphone levels whether a voice is too quiet, good or too loud. Pure.

export type LevelWord = "too-quiet" | "good" | "too-loud";

export interface LevelReading {
  /** Monotonic. */
  readonly atMs: number;
  /** RMS of a piece of about 20 ms, in dB of full scale. */
  readonly rmsDb: number;
  /** The largest sample of the piece; 1 is full scale. */
  readonly peak: number;
}

const WINDOW_MS = 3_000;
/** Before that the browser still adjusts its gain to the voice. */
const SETTLING_MS = 2_500;
/** A voice rises and falls; steadier sound is the room's noise. */
const VOICE_RANGE_DB = 8;
const TOO_QUIET_DB = -42;
const TOO_LOUD_DB = -7;
const CLIPPED_PEAK = 0.98;
/** The browser's own gain control clips a few pieces of a good voice. */
const CLIPPED_SHARE = 0.15;

export class LevelJudge {
  readonly #readings: LevelReading[] = [];
  #word: LevelWord | undefined;

  /** Readings in the order of time. */
  add(reading: LevelReading): void {
    this.#readings.push(reading);
    while ((this.#readings[0]?.atMs ?? reading.atMs) < reading.atMs - WINDOW_MS) this.#readings.shift();
  }

  /** The judgement of the latest voice, also while it pauses; `undefined`: no voice yet. */
  get word(): LevelWord | undefined {
    const spanMs = (this.#readings.at(-1)?.atMs ?? 0) - (this.#readings[0]?.atMs ?? 0);
    if (spanMs >= SETTLING_MS) this.#word = this.#judge() ?? this.#word;
    return this.#word;
  }

  #judge(): LevelWord | undefined {
    const levels = this.#readings.map(({ rmsDb }) => rmsDb).sort((a, b) => a - b);
    const at = (share: number): number => levels[Math.floor(share * (levels.length - 1))] ?? -Infinity;
    const clipped = this.#readings.filter(({ peak }) => peak >= CLIPPED_PEAK).length;
    const voiceDb = at(0.9);
    if (clipped > CLIPPED_SHARE * levels.length || voiceDb > TOO_LOUD_DB) return "too-loud";
    if (voiceDb - at(0.1) < VOICE_RANGE_DB) return undefined;
    return voiceDb < TOO_QUIET_DB ? "too-quiet" : "good";
  }
}
