// Reads the samples of a WAV file: integers, floats, and the telephone's A-law and µ-law (ITU-T G.711).

import { MAX_CHANNELS } from "../../mix/downmix.ts";
import { WavError, type WavFormat } from "./wav-format.ts";

export interface SampleReader {
  readonly sampleBytes: number;
  /** The sample in [-1, 1] at this offset of the sound. */
  sample(offset: number): number;
}

const OTHER_ENCODINGS: Readonly<Record<number, string>> = {
  2: "Microsoft ADPCM",
  17: "IMA ADPCM",
  49: "GSM 6.10",
  80: "MPEG",
  85: "MP3",
  255: "AAC",
  353: "Windows Media Audio",
  61868: "FLAC",
};

/** Throws WavError, which names the format, if it cannot be read. */
export function sampleReader(sound: DataView, format: WavFormat): SampleReader {
  const { code, channels, rateHz, bits } = format;
  if (channels < 1 || channels > MAX_CHANNELS)
    throw new WavError(`it has ${channels} channels; one to ${MAX_CHANNELS} are read`);
  if (rateHz < 4000 || rateHz > 384_000) throw new WavError(`it has ${rateHz} Hz; 4,000 to 384,000 are read`);
  const sampleBytes = sampleBytesOf(format);
  switch (code) {
    case 1:
      return { sampleBytes, sample: integerReader(sound, bits, sampleBytes) };
    case 3:
      if (sampleBytes === 4) return { sampleBytes, sample: (offset) => bounded(sound.getFloat32(offset, true)) };
      if (sampleBytes === 8) return { sampleBytes, sample: (offset) => bounded(sound.getFloat64(offset, true)) };
      throw unknownWidth(bits, "float");
    case 6:
      return { sampleBytes: 1, sample: (offset) => aLaw(sound.getUint8(offset)) };
    case 7:
      return { sampleBytes: 1, sample: (offset) => muLaw(sound.getUint8(offset)) };
    default:
      throw new WavError(`its sound is coded as ${OTHER_ENCODINGS[code] ?? `format ${code}`}, which is not read`);
  }
}

/** The frame's size decides, because 24 bits may stand in 3 bytes or in 4. */
function sampleBytesOf({ frameBytes, channels, storedBits }: WavFormat): number {
  const stored = Math.ceil(storedBits / 8);
  const framed = frameBytes / channels;
  return Number.isInteger(framed) && framed >= stored ? framed : stored;
}

/** Samples of one byte are unsigned, longer ones signed. */
function integerReader(sound: DataView, bits: number, sampleBytes: number): (offset: number) => number {
  if (bits < 1) throw unknownWidth(bits, "integer");
  if (sampleBytes === 1) return (offset) => (sound.getUint8(offset) - 0x80) / 0x80;
  if (sampleBytes === 2) return (offset) => sound.getInt16(offset, true) / 0x8000;
  if (sampleBytes === 3)
    return (offset) => ((sound.getInt8(offset + 2) << 16) | sound.getUint16(offset, true)) / 0x800000;
  if (sampleBytes !== 4) throw unknownWidth(bits, "integer");
  const scale = isRightAligned(sound, bits) ? 2 ** (bits - 1) : 0x8000_0000;
  return (offset) => sound.getInt32(offset, true) / scale;
}

/** Some writers put short samples in the low bits of their four bytes; the standard says the high bits. */
function isRightAligned(sound: DataView, bits: number): boolean {
  if (bits >= 32) return false;
  const limit = 2 ** (bits - 1);
  for (let offset = 0; offset + 4 <= sound.byteLength; offset += 4) {
    const value = sound.getInt32(offset, true);
    if (value < -limit || value >= limit) return false;
  }
  return true;
}

function bounded(value: number): number {
  return Number.isFinite(value) ? Math.min(1, Math.max(-1, value)) : 0;
}

function aLaw(code: number): number {
  const value = code ^ 0x55;
  const exponent = (value >> 4) & 7;
  const mantissa = value & 15;
  const magnitude = exponent === 0 ? mantissa * 2 + 1 : (mantissa * 2 + 33) << (exponent - 1);
  return ((value & 0x80) !== 0 ? magnitude : -magnitude) / 4096;
}

function muLaw(code: number): number {
  const value = ~code & 0xff;
  const magnitude = (((value & 15) * 2 + 33) << ((value >> 4) & 7)) - 33;
  return ((value & 0x80) !== 0 ? -magnitude : magnitude) / 8192;
}

function unknownWidth(bits: number, kind: string): WavError {
  return new WavError(`its ${kind} samples have ${bits} bits, which is not read`);
}
