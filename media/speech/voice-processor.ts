// Owns one speaker's way from decoded sound to the mixer: level, loudness, gate. Refuses to know who is muted.

import { type LevelDbov, PACKET_MS } from "@hustings/wire/units.ts";
import { createSpeakingDetector, levelDbov } from "../mix/level.ts";
import { createLoudnessNormalizer } from "../mix/loudness.ts";

export interface VoiceFrame {
  /** What was given, with the loudness gain applied, not yet the gate. */
  readonly pcm: Float32Array;
  /** The gate as a gain for the mixer, which ramps: 1 open, 0 closed. */
  readonly gate: 0 | 1;
  /** Of `pcm`, as others hear it; 127 while the gate is closed. */
  readonly levelDbov: LevelDbov;
  /** Whether to show this person as speaking. */
  readonly speaking: boolean;
}

export interface VoiceProcessor {
  /** Takes 960 samples over: they are written on. */
  process(pcm: Float32Array): VoiceFrame;
}

/** The gate opens at once, at this level as others would hear it, and anything louder keeps it open. */
const OPEN_DBOV: LevelDbov = 58;
/** It closes after this long below, so that pauses between words stay alive. */
const HOLD_MS = 1200;

/** A voice's state, one for each seat; made anew when another person takes the seat. */
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
