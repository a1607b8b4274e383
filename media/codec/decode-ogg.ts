// Decodes Ogg Opus files to mono sound at 48 kHz: mixes surround down, conceals what damage took away, applies the gain.

import { type OggLink, readOgg } from "../container/ogg/ogg-reader.ts";
import { MAX_PACKET_DURATION_SAMPLES } from "../container/opus-packet.ts";
import { createMonoDecoder, createSurroundDecoder, type FileDecoder } from "./file-decoder.ts";
import type { Opus } from "./opus.ts";

/** Mono at 48 kHz, without pre-skip and trimmed end. Throws OggError. */
export function decodeOgg(opus: Opus, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const links = readOgg(bytes);
  const pcm = new Float32Array(links.reduce((sum, { durationSamples }) => sum + durationSamples, 0));
  let at = 0;
  for (const piece of decodeLinks(opus, links)) {
    pcm.set(piece, at);
    at += piece.length;
  }
  return pcm;
}

/** As `decodeOgg`, piece by piece, for files of any length. */
export function* decodeLinks(opus: Opus, links: Iterable<OggLink>): Generator<Float32Array> {
  for (const link of links) {
    const gain = 10 ** (link.gainDb / 20);
    let at = -link.preSkipSamples;
    for (const sound of wholeSound(opus, link)) {
      const from = Math.max(0, -at);
      const to = Math.min(sound.length, link.durationSamples - at);
      at += sound.length;
      if (to > from) yield gain === 1 ? sound.subarray(from, to) : amplified(sound.subarray(from, to), gain);
    }
  }
}

function* wholeSound(opus: Opus, { packets, losses, surround }: OggLink): Generator<Float32Array> {
  using decoder = surround === undefined ? createMonoDecoder(opus) : createSurroundDecoder(opus, surround);
  let next = 0;
  for (const [index, packet] of packets.entries()) {
    for (let loss = losses[next]; loss?.before === index; loss = losses[++next])
      yield* concealed(decoder, loss.durationSamples);
    yield decoder.decode(packet);
  }
  for (const { durationSamples } of losses.slice(next)) yield* concealed(decoder, durationSamples);
}

function* concealed(decoder: FileDecoder, durationSamples: number): Generator<Float32Array> {
  for (let left = durationSamples; left > 0; left -= MAX_PACKET_DURATION_SAMPLES)
    yield decoder.conceal(Math.min(left, MAX_PACKET_DURATION_SAMPLES));
}

function amplified(pcm: Float32Array, gain: number): Float32Array {
  return pcm.map((sample) => Math.min(1, Math.max(-1, sample * gain)));
}
