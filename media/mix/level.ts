// Measures how loud a frame is, and whether a person is speaking.

import { type LevelDbov, PACKET_MS, SILENCE_DBOV } from "@hustings/wire/units.ts";

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

/** Speaking starts at this level or louder. */
const START_DBOV: LevelDbov = 45;
/** Speaking goes on at this level or louder. */
const KEEP_DBOV: LevelDbov = 52;
/** Speaking starts after this long at START_DBOV, so that a knock does not count. */
const ATTACK_MS = 40;
/** Speaking ends after this long below KEEP_DBOV, so that a breath does not end it. */
const HOLD_MS = 400;

/** A function that takes the level of each packet in order and says whether the person is speaking, with hysteresis. */
export function createSpeakingDetector(): (level: LevelDbov) => boolean {
  let speaking = false;
  let runMs = 0;
  return (level) => {
    const against = speaking ? level > KEEP_DBOV : level <= START_DBOV;
    runMs = against ? runMs + PACKET_MS : 0;
    if (runMs >= (speaking ? HOLD_MS : ATTACK_MS)) {
      speaking = !speaking;
      runMs = 0;
    }
    return speaking;
  };
}
