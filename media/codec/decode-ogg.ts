// Decodes a whole Ogg Opus file.

import { readOgg } from "../container/ogg.ts";
import type { Opus } from "./opus.ts";

/** Mono at 48 kHz, without pre-skip and trimmed end. Throws OggError or OpusError. */
export function decodeOgg(opus: Opus, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const { packets, preSkipSamples, durationSamples } = readOgg(bytes);
  using decoder = opus.decoder();
  const pcm = new Float32Array(durationSamples);
  let at = -preSkipSamples;
  for (const packet of packets) {
    const sound = decoder.decode(packet);
    const from = Math.max(0, -at);
    const to = Math.min(sound.length, durationSamples - at);
    if (to > from) pcm.set(sound.subarray(from, to), at + from);
    at += sound.length;
  }
  return pcm;
}
