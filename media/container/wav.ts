// Reads WAV files to 48 kHz mono, and writes 16-bit mono.

import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import { resample } from "../measure/resample.ts";

export class WavError extends Error {
  override readonly name = "WavError";
}

interface WavFormat {
  readonly encoding: "integer" | "float";
  readonly channels: number;
  readonly rateHz: number;
  readonly bits: number;
}

/** An hour. */
const MAX_SAMPLES = SAMPLE_RATE_HZ * 3600;

/** In [-1, 1] at 48 kHz; averages stereo and resamples. Throws WavError. */
export function readWav(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || tag(view, 0) !== "RIFF" || tag(view, 8) !== "WAVE")
    throw new WavError("no RIFF WAVE header");
  let format: WavFormat | undefined;
  for (let offset = 12; offset + 8 <= bytes.length; ) {
    const length = view.getUint32(offset + 4, true);
    const start = offset + 8;
    if (tag(view, offset) === "fmt ") format = readFormat(view, start, Math.min(length, bytes.length - start));
    if (tag(view, offset) === "data") {
      if (format === undefined) throw new WavError("the sound comes before its format");
      return readSound(view, start, Math.min(length, bytes.length - start), format);
    }
    offset = start + length + (length % 2);
  }
  throw new WavError("no sound in the file");
}

/** 16 bits, 48 kHz; samples are clamped to [-1, 1]. */
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

function readFormat(view: DataView, start: number, length: number): WavFormat {
  if (length < 16) throw new WavError("the format is cut short");
  const code = view.getUint16(start, true);
  const extended = code === 0xfffe && length >= 26 ? view.getUint16(start + 24, true) : code;
  const channels = view.getUint16(start + 2, true);
  const rateHz = view.getUint32(start + 4, true);
  const bits = view.getUint16(start + 14, true);
  if (extended !== 1 && extended !== 3) throw new WavError(`encoding ${extended} is neither PCM nor float`);
  if (channels < 1 || channels > 2) throw new WavError(`${channels} channels; one or two are read`);
  if (rateHz < 4000 || rateHz > 384_000) throw new WavError(`${rateHz} Hz; 4,000 to 384,000 are read`);
  const encoding = extended === 3 ? "float" : "integer";
  const known = encoding === "float" ? bits === 32 || bits === 64 : bits === 16 || bits === 24 || bits === 32;
  if (!known) throw new WavError(`${bits} bit ${encoding} samples are not read`);
  return { encoding, channels, rateHz, bits };
}

function readSound(view: DataView, start: number, length: number, format: WavFormat): Float32Array<ArrayBuffer> {
  const sampleBytes = format.bits / 8;
  const frameBytes = sampleBytes * format.channels;
  const frames = Math.floor(length / frameBytes);
  if (frames * (SAMPLE_RATE_HZ / format.rateHz) > MAX_SAMPLES) throw new WavError("longer than an hour");
  const mono = new Float32Array(frames);
  for (let frame = 0; frame < frames; frame += 1) {
    const offset = start + frame * frameBytes;
    const left = readSample(view, offset, format);
    mono[frame] = format.channels === 1 ? left : (left + readSample(view, offset + sampleBytes, format)) / 2;
  }
  return format.rateHz === SAMPLE_RATE_HZ ? mono : resample(mono, format.rateHz, SAMPLE_RATE_HZ);
}

function readSample(view: DataView, offset: number, format: WavFormat): number {
  if (format.encoding === "float") {
    const value = format.bits === 32 ? view.getFloat32(offset, true) : view.getFloat64(offset, true);
    return Number.isFinite(value) ? Math.min(1, Math.max(-1, value)) : 0;
  }
  if (format.bits === 16) return view.getInt16(offset, true) / 0x8000;
  if (format.bits === 32) return view.getInt32(offset, true) / 0x80000000;
  return ((view.getInt8(offset + 2) << 16) | view.getUint16(offset, true)) / 0x800000;
}

function tag(view: DataView, offset: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(offset + index)));
}
