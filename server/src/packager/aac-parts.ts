// Makes AAC parts as pure functions of the log: codecs start afresh, far enough before each part.

import type { Opus } from "@hustings/media/codec/opus.ts";
import { AAC_FRAME_SAMPLES, aacMediaSegment, framesOf } from "@hustings/media/container/aac.ts";
import { AFTER_FRAMES, aacInputSlots, BEFORE_FRAMES } from "@hustings/media/hls/aac-window.ts";
import { type HoldLoop, packetsOf } from "@hustings/media/hls/opus-parts.ts";
import type { HlsLog, HlsWindow } from "@hustings/media/hls/segments.ts";
import type { SlotRange } from "@hustings/wire/slots.ts";
import { PACKET_SAMPLES, SLOT_SAMPLES } from "@hustings/wire/units.ts";
import type { AacEncoder } from "./encoder.ts";

export interface PartOptions {
  readonly opus: Promise<Opus>;
  readonly encoder: AacEncoder;
  readonly loop: HoldLoop;
}

export async function aacPart(
  log: HlsLog,
  window: HlsWindow,
  range: SlotRange,
  { opus, encoder, loop }: PartOptions,
): Promise<Buffer> {
  const around = aacInputSlots(log, window, range);
  const packets = packetsOf(log, around, loop);
  const frames = framesOf(range);
  const firstSample = (frames.from - BEFORE_FRAMES) * AAC_FRAME_SAMPLES;
  const pcm = new Float32Array((frames.to - frames.from + BEFORE_FRAMES + AFTER_FRAMES) * AAC_FRAME_SAMPLES);
  decodeInto(pcm, around.from * SLOT_SAMPLES - firstSample, packets, await opus);
  const encoded = await encoder.encode(pcm);
  const first = BEFORE_FRAMES + 1;
  return Buffer.from(aacMediaSegment(frames.from, encoded.slice(first, first + frames.to - frames.from)).buffer);
}

/** `at` may be negative; samples outside `pcm` are dropped. */
function decodeInto(pcm: Float32Array, at: number, packets: readonly Uint8Array[], opus: Opus): void {
  using decoder = opus.decoder();
  for (const packet of packets) {
    const sound = decoder.decode(packet);
    for (let i = Math.max(0, -at); i < PACKET_SAMPLES && at + i < pcm.length; i++) pcm[at + i] = sound[i] ?? 0;
    at += PACKET_SAMPLES;
  }
}
