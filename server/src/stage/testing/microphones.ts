// Test sounds, encoded packet by packet as a speaker's page sends them.

import type { Opus } from "@hustings/media/codec/opus.ts";
import { PACKET_SAMPLES } from "@hustings/wire/units.ts";

/** Returns the next 20 ms of Opus with each call. */
export type Microphone = () => Uint8Array;

/** A tone of `hz` at −20 dBov. */
export function tone(opus: Opus, hz: number): Microphone {
  return microphoneOf(opus, (sample) => 0.14 * Math.sin((2 * Math.PI * hz * sample) / 48_000));
}

/** Packets of a muted page. */
export function silence(opus: Opus): Microphone {
  return microphoneOf(opus, () => 0);
}

/** Encodes any sound; `soundAt` gives the sample at an index, within ±1. */
export function microphoneOf(opus: Opus, soundAt: (sample: number) => number): Microphone {
  const encoder = opus.encoder({ bitrateBps: 32_000, inbandFec: true });
  let at = 0;
  return () => {
    const pcm = Float32Array.from({ length: PACKET_SAMPLES }, (_, index) => soundAt(at + index));
    at += PACKET_SAMPLES;
    return encoder.encode(pcm);
  };
}
