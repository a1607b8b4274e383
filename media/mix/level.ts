// Owns how loud a frame is, as a number to show: levels, their fold over a slot, and who is speaking.
// Refuses to change sound; loudness.ts does that.

import { FRAGMENT_PACKETS, type LevelDbov, PACKET_MS, SILENCE_DBOV } from "@hustings/wire/units.ts";

/** The RMS of mono PCM as a level: 0 is a full-scale square wave, 127 is silence (RFC 6464 §3). */
export function levelDbov(pcm: Float32Array): LevelDbov {
  const { length } = pcm;
  let sum = 0;
  for (let index = 0; index < length; index += 1) {
    const sample = pcm[index] as number;
    sum += sample * sample;
  }
  return powerToDbov(length === 0 ? 0 : sum / length);
}

/** A mean square in [0, 1] as a level. */
export function powerToDbov(power: number): LevelDbov {
  if (!(power > 0)) return SILENCE_DBOV;
  return Math.min(SILENCE_DBOV, Math.max(0, Math.round(-10 * Math.log10(power))));
}

export interface SlotMeter {
  /** Adds one packet's level; after the slot's tenth, returns the slot's level, else undefined. */
  add(level: LevelDbov): LevelDbov | undefined;
}

/**
 * Folds ten packets' levels to one: the mean of their powers, in which a syllable of 60 ms still shows. Packets of
 * silence count.
 */
export function createSlotMeter(): SlotMeter {
  let power = 0;
  let count = 0;
  return {
    add(level) {
      power += level >= SILENCE_DBOV ? 0 : 10 ** (-level / 10);
      count += 1;
      if (count < FRAGMENT_PACKETS) return undefined;
      const folded = powerToDbov(power / count);
      power = 0;
      count = 0;
      return folded;
    },
  };
}

export interface SpeakingDetectorOptions {
  /** Speaking starts at this level or louder; 45 where absent. */
  readonly startDbov?: LevelDbov;
  /** Speaking goes on while it is at this level or louder; 52 where absent. */
  readonly keepDbov?: LevelDbov;
  /** Loud for this long before it counts, so that a knock does not; 40 ms where absent. */
  readonly attackMs?: number;
  /** Quiet for this long before it ends, so that a breath does not end it; 400 ms where absent. */
  readonly holdMs?: number;
}

/** Whether a person is speaking, with hysteresis: give each packet's level in order. */
export function createSpeakingDetector(options: SpeakingDetectorOptions = {}): (level: LevelDbov) => boolean {
  const { startDbov = 45, keepDbov = 52, attackMs = 40, holdMs = 400 } = options;
  let speaking = false;
  let runMs = 0;
  return (level) => {
    const against = speaking ? level > keepDbov : level <= startDbov;
    runMs = against ? runMs + PACKET_MS : 0;
    if (runMs >= (speaking ? holdMs : attackMs)) {
      speaking = !speaking;
      runMs = 0;
    }
    return speaking;
  };
}
