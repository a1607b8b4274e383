// Writes WAV files.

import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";

/** 16 bits, mono, 48 kHz; samples are clamped to [-1, 1]. */
export function writeWav(pcm: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(44 + pcm.length * 2);
  const view = new DataView(bytes.buffer);
  const text = (offset: number, name: string) => bytes.set(new TextEncoder().encode(name), offset);
  text(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, SAMPLE_RATE_HZ, true);
  view.setUint32(28, SAMPLE_RATE_HZ * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, pcm.length * 2, true);
  for (let index = 0; index < pcm.length; index += 1) {
    const sample = Math.min(1, Math.max(-1, pcm[index] ?? 0));
    view.setInt16(44 + index * 2, Math.round(sample * 32767), true);
  }
  return bytes;
}
