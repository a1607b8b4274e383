// Prepares one speaker's decoded sound for the mixer: loudness gain, level, gate.

import { type LevelDbov, PACKET_MS } from "@hustings/wire/units.ts";
import { createSpeakingDetector, levelDbov } from "../mix/level.ts";
import { createLoudnessNormalizer } from "../mix/loudness.ts";

export interface VoiceFrame {
  /** The given samples with the loudness gain; the gate is not applied. */
  readonly pcm: Float32Array;
  /** The gate as a gain for the mixer, which ramps it: 1 open, 0 closed. */
  readonly gate: 0 | 1;
  /** The level that others hear; 127 while the gate is closed. */
  readonly levelDbov: LevelDbov;
  /** Whether to show the person as speaking. */
  readonly speaking: boolean;
}

export interface VoiceProcessor {
  /** Processes 960 samples in place. */
  process(pcm: Float32Array): VoiceFrame;
}

/** The gate opens at once at this level or louder, measured after the gain. */
const OPEN_DBOV: LevelDbov = 58;
/** The gate closes after this long below, so that pauses between words are not cut. */
const HOLD_MS = 1200;

/** One for each person in a seat: it remembers their loudness. */
export function createVoiceProcessor(): VoiceProcessor {
  const loudness = createLoudnessNormalizer();
  const isSpeaking = createSpeakingDetector();
  let quietMs = HOLD_MS;
  return {
    process(pcm) {
      loudness.process(pcm);
      const level = levelDbov(pcm);
      quietMs = level <= OPEN_DBOV ? 0 : Math.min(HOLD_MS, quietMs + PACKET_MS);
      const open = quietMs < HOLD_MS;
      const heardDbov = open ? level : 127;
      return { pcm, gate: open ? 1 : 0, levelDbov: heardDbov, speaking: isSpeaking(heardDbov) };
    },
  };
}
