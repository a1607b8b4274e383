// Joins and decodes sound for tests.

import { loadOpus } from "../../media/codec/opus.ts";

export function joined(pieces: readonly Float32Array[]): Float32Array {
  const pcm = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    pcm.set(piece, at);
    at += piece.length;
  }
  return pcm;
}

/** Decodes packets in order, to 48 kHz mono. */
export async function decoded(packets: readonly Uint8Array[]): Promise<Float32Array> {
  using decoder = (await loadOpus()).decoder();
  return joined(packets.map((packet) => decoder.decode(packet)));
}

/** Root mean square, in dB below full scale; -120 for nothing. */
export function loudnessDbfs(pcm: Float32Array): number {
  let sum = 0;
  for (const sample of pcm) sum += sample * sample;
  return 10 * Math.log10(sum / Math.max(1, pcm.length) + 1e-12);
}
