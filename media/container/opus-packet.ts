// Reads the duration, channels, mode and FEC flag of an Opus packet without a codec (RFC 6716 §3).

import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";

/** 120 ms (RFC 6716 §3.2.5, requirement R5). */
export const MAX_PACKET_DURATION_SAMPLES = (SAMPLE_RATE_HZ * 120) / 1000;
/** Far above any speech encoder; RFC 6716 allows 1,275 per frame. */
export const MAX_OPUS_BYTES = 4000;

export type OpusMode = "silk" | "hybrid" | "celt";

/** Read from the first byte and the frame count (RFC 6716 §3.1, §3.2). */
export interface PacketShape {
  readonly mode: OpusMode;
  readonly stereo: boolean;
  readonly frames: number;
  readonly frameSamples: number;
  readonly durationSamples: number;
}

/** `undefined`: unusable bytes. */
export function packetShape(packet: Uint8Array): PacketShape | undefined {
  const toc = packet[0];
  if (toc === undefined || packet.length > MAX_OPUS_BYTES) return undefined;
  const frames = frameCount(packet, toc & 3);
  const config = toc >> 3;
  const frameSamples = frameDuration(config);
  const durationSamples = frames * frameSamples;
  if (frames === 0 || durationSamples > MAX_PACKET_DURATION_SAMPLES) return undefined;
  const mode = config < 12 ? "silk" : config < 16 ? "hybrid" : "celt";
  return { mode, stereo: (toc & 4) !== 0, frames, frameSamples, durationSamples };
}

/** Samples at 48 kHz, 120 to 5760; 0: unusable. */
export function packetDurationSamples(packet: Uint8Array): number {
  return packetShape(packet)?.durationSamples ?? 0;
}

/**
 * In-band FEC (LBRR, RFC 6716 §4.2.3) for the packet before. False also for packets of several frames: costs a
 * concealment.
 */
export function packetHasFec(packet: Uint8Array): boolean {
  const shape = packetShape(packet);
  const header = packet[1];
  if (shape === undefined || header === undefined || shape.mode === "celt" || shape.frames !== 1) return false;
  const silkFrames = Math.max(1, shape.frameSamples / 960);
  const mid = (header >> (7 - silkFrames)) & 1;
  const side = shape.stereo ? (header >> (6 - 2 * silkFrames)) & 1 : 0;
  return (mid | side) === 1;
}

/** At most one byte after the first: the sender is silent. */
export function packetIsDtx(packet: Uint8Array): boolean {
  return packet.length <= 2 && packetDurationSamples(packet) > 0;
}

function frameCount(packet: Uint8Array, code: number): number {
  const bytes = packet.length - 1;
  if (code === 0) return 1;
  if (code === 1) return bytes % 2 === 0 ? 2 : 0;
  if (code === 2) return bytes >= 1 ? 2 : 0;
  return (packet[1] ?? 0) & 0x3f;
}

function frameDuration(config: number): number {
  const step = config & 3;
  if (config < 12) return [480, 960, 1920, 2880][step] ?? 0;
  if (config < 16) return (config & 1) === 0 ? 480 : 960;
  return [120, 240, 480, 960][step] ?? 0;
}
