// Turns a sound file into Opus packets of 20 ms and sends them in real time.

import { readFile } from "node:fs/promises";
import { type Clock, systemClock, type Timer } from "@hustings/flow/clock.ts";
import { startPacer } from "@hustings/flow/pacer.ts";
import { decodeOgg } from "@hustings/media/codec/decode-ogg.ts";
import { loadOpus, type Opus } from "@hustings/media/codec/opus.ts";
import { readOgg } from "@hustings/media/container/ogg.ts";
import { packetDurationSamples } from "@hustings/media/container/opus-packet.ts";
import { readWav } from "@hustings/media/container/wav.ts";
import { PACKET_MS, PACKET_SAMPLES } from "@hustings/wire/units.ts";

const VOICE_BITRATE_BPS = 40_000;

/** WAV or Ogg Opus to mono packets of 20 ms. Throws an Error that says what is wrong with the file. */
export async function readVoice(path: string): Promise<readonly Uint8Array[]> {
  const bytes = await readFile(path);
  const opus = await loadOpus();
  if (bytes.subarray(0, 4).toString("latin1") !== "OggS") return encodeAll(opus, readWav(bytes));
  const { packets, channels } = readOgg(bytes);
  const isUsable = channels === 1 && packets.every((packet) => packetDurationSamples(packet) === PACKET_SAMPLES);
  return isUsable ? packets : encodeAll(opus, decodeOgg(opus, bytes));
}

export async function silence(seconds: number): Promise<readonly Uint8Array[]> {
  return encodeAll(await loadOpus(), new Float32Array(Math.round(seconds * 50) * PACKET_SAMPLES));
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

function encodeAll(opus: Opus, pcm: Float32Array): Uint8Array[] {
  using encoder = opus.encoder({ bitrateBps: VOICE_BITRATE_BPS, inbandFec: true });
  const packets: Uint8Array[] = [];
  const frame = new Float32Array(PACKET_SAMPLES);
  for (let at = 0; at < pcm.length; at += PACKET_SAMPLES) {
    frame.fill(0);
    frame.set(pcm.subarray(at, at + PACKET_SAMPLES));
    packets.push(encoder.encode(frame));
  }
  return packets;
}
