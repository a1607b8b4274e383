// Prepares one speaker's decoded sound for the mixer: loudness gain, level, gate.

import { type LevelDbov, PACKET_MS } from "@hustings/wire/units.ts";
import { createSpeakingDetector, levelDbov } from "../mix/level.ts";
import { createLoudnessNormalizer } from "../mix/loudness.ts";

export interface VoiceFrame {
  /** Samples with the loudness gain, without the gate. */
  readonly pcm: Float32Array;
  /** A gain for the mixer: 1 open, 0 closed. */
  readonly gate: 0 | 1;
  /** 127 while the gate is closed. */
  readonly levelDbov: LevelDbov;
  readonly speaking: boolean;
}

export interface VoiceProcessor {
  /** Processes 960 samples in place. */
  process(pcm: Float32Array): VoiceFrame;
}

/** Opens at this level or louder, after the gain. */
const OPEN_DBOV: LevelDbov = 58;
/** Longer than pauses between words. */
const HOLD_MS = 1200;

/** One per seated person: it remembers their loudness. */
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
