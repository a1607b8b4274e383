// Measures how loud a frame is, and whether somebody is speaking.

import { type LevelDbov, PACKET_MS, SILENCE_DBOV } from "@hustings/wire/units.ts";

/** The RMS of mono PCM: 0 is a full-scale square wave, 127 is silence (RFC 6464 §3). */
export function levelDbov(pcm: Float32Array): LevelDbov {
  const { length } = pcm;
  let sum = 0;
  for (let index = 0; index < length; index += 1) {
    const sample = pcm[index] as number;
    sum += sample * sample;
  }
  return powerToDbov(length === 0 ? 0 : sum / length);
}

export function powerToDbov(power: number): LevelDbov {
  if (!(power > 0)) return SILENCE_DBOV;
  return Math.min(SILENCE_DBOV, Math.max(0, Math.round(-10 * Math.log10(power))));
}

const START_DBOV: LevelDbov = 45;
const KEEP_DBOV: LevelDbov = 52;
/** Longer than a knock. */
const ATTACK_MS = 40;
/** Longer than a breath. */
const HOLD_MS = 400;

/** Takes the level of each packet, in order; true while the person speaks. */
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
