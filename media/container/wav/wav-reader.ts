// Reads WAV files as they are found (RIFF, RF64 and BW64) to 48 kHz mono.

import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import { resample } from "../../measure/resample.ts";
import { type ChannelPosition, monoGains } from "../../mix/downmix.ts";
import { createStereoFold } from "../../mix/stereo-fold.ts";
import { WavError, type WavFormat } from "./wav-format.ts";
import { type SampleReader, sampleReader } from "./wav-samples.ts";

/** An hour. */
const MAX_SAMPLES = SAMPLE_RATE_HZ * 3600;
/** A size that a writer leaves when it cannot go back to the header; in RF64 it refers to the chunk `ds64`. */
const UNKNOWN_SIZE = 0xffff_ffff;

/**
 * Folds stereo, mixes more channels down by their loudspeakers, and resamples. A cut file, or one whose sizes a recorder never finished, is read as far as there is
 * sound. Throws WavError, whose message completes "The file cannot be read: …".
 */
export function readWav(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { format, sound } = findSound(view);
  const read = sampleReader(new DataView(view.buffer, view.byteOffset + sound.start, sound.bytes), format);
  const frames = Math.floor(sound.bytes / (read.sampleBytes * format.channels));
  if (frames * (SAMPLE_RATE_HZ / format.rateHz) > MAX_SAMPLES) throw new WavError("it is longer than an hour");
  const mono = monoOf(read, format, frames);
  return format.rateHz === SAMPLE_RATE_HZ ? mono : resample(mono, format.rateHz, SAMPLE_RATE_HZ);
}

function monoOf(read: SampleReader, format: WavFormat, frames: number): Float32Array<ArrayBuffer> {
  const { channels, rateHz } = format;
  if (channels > 2) return downmixed(read, monoGains(positionsOf(format)), frames);
  const pcm = new Float32Array(frames * channels);
  for (let index = 0; index < pcm.length; index += 1) pcm[index] = read.sample(index * read.sampleBytes);
  return channels === 1 ? pcm : createStereoFold(rateHz).fold(pcm);
}

function downmixed(read: SampleReader, gains: readonly number[], frames: number): Float32Array<ArrayBuffer> {
  const mono = new Float32Array(frames);
  let offset = 0;
  for (let frame = 0; frame < frames; frame += 1) {
    let sum = 0;
    for (const gain of gains) {
      sum += gain * read.sample(offset);
      offset += read.sampleBytes;
    }
    mono[frame] = sum;
  }
  return mono;
}

/** Loudspeakers by bit of the mask (WAVEFORMATEXTENSIBLE): from front left to top back right. */
const SPEAKERS: readonly ChannelPosition[] = [
  ...(["side", "side", "centre", "low", "surround", "surround", "side", "side", "surround"] as const),
  ...new Array<"surround">(9).fill("surround"),
];

/** Channels beyond the mask's loudspeakers have none: a recorder's microphones, for example, which all count alike. */
function positionsOf({ speakerMask, channels }: WavFormat): ChannelPosition[] {
  const named = SPEAKERS.filter((_, bit) => ((speakerMask >>> bit) & 1) === 1).slice(0, channels);
  return [...named, ...new Array<"unknown">(channels - named.length).fill("unknown")];
}

interface Sound {
  readonly start: number;
  readonly bytes: number;
}

function findSound(view: DataView): { readonly format: WavFormat; readonly sound: Sound } {
  const riff = view.byteLength < 12 ? "" : tag(view, 0);
  if (riff === "RIFX") throw new WavError("it is big-endian (RIFX)");
  if (!["RIFF", "RF64", "BW64"].includes(riff) || tag(view, 8) !== "WAVE") throw new WavError("it has no WAVE header");
  let format: WavFormat | undefined;
  let longSize: number | undefined;
  for (let offset = 12; offset + 8 <= view.byteLength; ) {
    const name = tag(view, offset);
    const size = view.getUint32(offset + 4, true);
    const start = offset + 8;
    const left = view.byteLength - start;
    if (name === "fmt ") format = readFormat(view, start, Math.min(size, left));
    if (name === "ds64" && left >= 16) longSize = Number(view.getBigUint64(start + 8, true));
    if (name === "data") {
      if (format === undefined) throw new WavError("its sound comes before its format");
      return { format, sound: { start, bytes: soundBytes(view, size, left, longSize) } };
    }
    offset = nextTagAt(view, start + size, size % 2 === 1);
  }
  throw new WavError("there is no sound in it");
}

/** A recorder that crashed leaves the size at 0, and a RIFF size that is not the file's either. */
function soundBytes(view: DataView, size: number, left: number, longSize: number | undefined): number {
  if (size === UNKNOWN_SIZE) return Math.min(left, longSize || left);
  const isUnfinished = size === 0 && view.getUint32(4, true) + 8 !== view.byteLength;
  return isUnfinished ? left : Math.min(size, left);
}

const KNOWN_TAGS = new Set(
  "fmt |data|fact|LIST|cue |plst|smpl|inst|bext|iXML|aXML|axml|chna|JUNK|junk|PAD |FLLR|PEAK|ds64|id3 |ID3 |cart|DISP|acid|afsp|_PMX|umid|minf|elm1|regn|SAUR".split(
    "|",
  ),
);

/** Offset of the next chunk: a byte of padding follows a chunk of odd size, but some writers leave it out. */
function nextTagAt(view: DataView, end: number, isOdd: boolean): number {
  if (!isOdd || end + 5 > view.byteLength) return end;
  const isUnpadded = !KNOWN_TAGS.has(tag(view, end + 1)) && KNOWN_TAGS.has(tag(view, end));
  return isUnpadded ? end : end + 1;
}

function readFormat(view: DataView, start: number, length: number): WavFormat {
  if (length < 16) throw new WavError("its format is cut short");
  const code = view.getUint16(start, true);
  const isExtensible = code === 0xfffe && length >= 26;
  const bits = view.getUint16(start + 14, true);
  const validBits = isExtensible ? view.getUint16(start + 18, true) : 0;
  return {
    code: isExtensible ? view.getUint16(start + 24, true) : code,
    channels: view.getUint16(start + 2, true),
    rateHz: view.getUint32(start + 4, true),
    frameBytes: view.getUint16(start + 12, true),
    bits: validBits > 0 && validBits < bits ? validBits : bits,
    storedBits: bits,
    speakerMask: isExtensible ? view.getUint32(start + 20, true) : 0,
  };
}

function tag(view: DataView, offset: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(offset + index)));
}
