// Turns a sound file into Opus packets of 20 ms and sends them in real time.

import { readFile } from "node:fs/promises";
import { type Clock, systemClock, type Timer } from "@hustings/flow/clock.ts";
import { startPacer } from "@hustings/flow/pacer.ts";
import { decodeLinks } from "@hustings/media/codec/decode-ogg.ts";
import { loadOpus, type Opus } from "@hustings/media/codec/opus.ts";
import { OggError } from "@hustings/media/container/ogg/ogg-pages.ts";
import { type OggLink, readOgg } from "@hustings/media/container/ogg/ogg-reader.ts";
import { packetDurationSamples } from "@hustings/media/container/opus-packet.ts";
import { soundFileOf } from "@hustings/media/container/sound-file.ts";
import { WavError } from "@hustings/media/container/wav/wav-format.ts";
import { readWav } from "@hustings/media/container/wav/wav-reader.ts";
import { PACKET_MS, PACKET_SAMPLES, SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import { fileError } from "./file-error.ts";

const VOICE_BITRATE_BPS = 40_000;

/** The message is a sentence for people. */
export class VoiceFileError extends Error {
  override readonly name = "VoiceFileError";
}

/**
 * WAV or Ogg Opus of up to eight channels to mono packets of 20 ms, at least one. `note` gets a sentence about sound that is missing. Throws
 * VoiceFileError.
 */
export async function readVoice(
  path: string,
  note: (sentence: string) => void = () => {},
): Promise<readonly Uint8Array[]> {
  const whole = await readFile(path).catch((cause: unknown) => {
    throw new VoiceFileError(fileError(path, cause), { cause });
  });
  const opus = await loadOpus();
  const packets = packetsOf(opus, path, whole, note);
  if (packets.length === 0) throw new VoiceFileError(`${path} cannot be spoken: there is no sound in it.`);
  return packets;
}

function packetsOf(opus: Opus, path: string, whole: Uint8Array, note: (sentence: string) => void): Uint8Array[] {
  const file = soundFileOf(whole);
  if (file.kind === "other") throw new VoiceFileError(`${path} is ${file.name}. Give a WAV or Ogg Opus file.`);
  try {
    if (file.kind === "wav") return encodeAll(opus, [readWav(file.bytes)]);
    const links = readOgg(file.bytes);
    const lost = links.flatMap(({ losses }) => losses.map(({ durationSamples }) => durationSamples));
    const lostSeconds = lost.reduce((sum, samples) => sum + samples, 0) / SAMPLE_RATE_HZ;
    if (lost.length > 0) note(`${path} is damaged: ${lostSeconds.toFixed(1)} s of sound are missing.`);
    return links.every(isSpeakable)
      ? links.flatMap(({ packets }) => packets)
      : encodeAll(opus, decodeLinks(opus, links));
  } catch (cause) {
    if (!(cause instanceof OggError || cause instanceof WavError)) throw cause;
    throw new VoiceFileError(`${path} cannot be read: ${cause.message}.`, { cause });
  }
}

/** Whether the packets can be sent as they are. */
function isSpeakable({ channels, surround, gainDb, losses, packets }: OggLink): boolean {
  if (channels !== 1 || surround !== undefined || gainDb !== 0 || losses.length > 0) return false;
  return packets.every((packet) => packetDurationSamples(packet) === PACKET_SAMPLES);
}

export async function silence(seconds: number): Promise<readonly Uint8Array[]> {
  return encodeAll(await loadOpus(), [new Float32Array(Math.round(seconds * 50) * PACKET_SAMPLES)]);
}

/** Calls `send` with a packet every 20 ms, repeating them when `loops`; otherwise calls `done` after the last. */
export function speakPackets(
  packets: readonly Uint8Array[],
  send: (packet: Uint8Array) => void,
  { loops = false, done = () => {}, clock = systemClock }: { loops?: boolean; done?: () => void; clock?: Clock } = {},
): Timer {
  const timer = startPacer(clock, PACKET_MS, (n) => {
    const packet = packets[loops ? n % packets.length : n];
    if (packet) return send(packet);
    timer.cancel();
    done();
  });
  return timer;
}

/** The pieces as one sound; the last packet is filled with silence. */
function encodeAll(opus: Opus, pieces: Iterable<Float32Array>): Uint8Array[] {
  using encoder = opus.encoder({ bitrateBps: VOICE_BITRATE_BPS, inbandFec: true });
  const packets: Uint8Array[] = [];
  const frame = new Float32Array(PACKET_SAMPLES);
  let filled = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + PACKET_SAMPLES - filled);
      frame.set(part, filled);
      at += part.length;
      filled = (filled + part.length) % PACKET_SAMPLES;
      if (filled === 0) packets.push(encoder.encode(frame));
    }
  }
  if (filled > 0) packets.push(encoder.encode(frame.fill(0, filled)));
  return packets;
}
