// Owns the way between a whole Ogg Opus file and its samples. Refuses live sound.

import { PACKET_SAMPLES } from "@hustings/wire/units.ts";
import { readOgg, writeOgg } from "../container/ogg.ts";
import type { EncoderOptions, Opus } from "./opus.ts";

/** All samples of the file, mono at 48 kHz, without pre-skip and end trimming. Throws OggError, OpusError. */
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

/** The samples as an Ogg Opus file of exactly their length. Throws OpusError. */
export function encodeOgg(opus: Opus, pcm: Float32Array, options: EncoderOptions): Uint8Array<ArrayBuffer> {
  using encoder = opus.encoder(options);
  const preSkipSamples = encoder.lookaheadSamples;
  const packets: Uint8Array[] = [];
  for (let at = 0; at < pcm.length + preSkipSamples; at += PACKET_SAMPLES) {
    const frame = new Float32Array(PACKET_SAMPLES);
    frame.set(pcm.subarray(at, at + PACKET_SAMPLES));
    packets.push(encoder.encode(frame));
  }
  const trimSamples = packets.length * PACKET_SAMPLES - pcm.length - preSkipSamples;
  return writeOgg(packets, { preSkipSamples, trimSamples });
}
