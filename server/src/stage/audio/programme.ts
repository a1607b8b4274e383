// Encodes a live space's programme once per rendition and appends it, ten packets to a fragment. Fragments are held
// while an entry that begins or ends the broadcast is being written: nothing may be heard that the log does not know to
// be on air.

import type { Opus, OpusEncoder } from "@hustings/media/codec/opus.ts";
import { fillerPackets } from "@hustings/media/container/filler.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import { FRAGMENT_PACKETS, PACKET_SAMPLES, RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import { createOverlapDetector } from "./overlap-detector.ts";

export interface Programme extends Disposable {
  /** 20 ms, the `packet`-th (0-9) of `slot`; without `pcm` silence. A slot without its packet 0 is skipped. */
  push(slot: number, packet: number, pcm: Float32Array | undefined, levels: readonly SeatLevel[]): void;
  /** Completes the current slot with filler, after missed ticks. */
  finishWithFiller(): void;
  /** Holds `fromSlot` and later, at most `MAX_HELD_SLOTS`. */
  holdFrom(fromSlot: number): void;
  release(): void;
}

export interface ProgrammeOptions {
  readonly opus: Opus;
  readonly firstSlot: number;
  readonly append: (rendition: Rendition, slot: number, bytes: Uint8Array) => void;
  /** Slots `[from, to)` have no sound and never will. Called as the next sound begins. */
  readonly onMissing: (from: number, to: number) => void;
}

/** 10 s per rendition. Then the oldest is dropped and reported as missing. */
export const MAX_HELD_SLOTS = 50;
/** The codec's pitch filter suits one talker only (docs/decisions/0002). */
const COMPLEXITY = { oneTalker: 5, overlap: 4 } as const;
/** By then the encoders' tail has decayed, and filler replaces encoding. */
const FILLER_AFTER_PACKETS = 10;

const SILENCE = new Float32Array(PACKET_SAMPLES);

interface RenditionEncoder {
  readonly rendition: Rendition;
  readonly encoder: OpusEncoder;
  packets: Uint8Array[];
}

interface FinishedSlot {
  readonly slot: number;
  readonly fragments: readonly { readonly rendition: Rendition; readonly bytes: Uint8Array }[];
}

export function startProgramme({ opus, firstSlot, append, onMissing }: ProgrammeOptions): Programme {
  const encoders: RenditionEncoder[] = RENDITIONS.map((rendition) => ({
    rendition,
    encoder: opus.encoder({
      bitrateBps: Number(rendition) * 1000,
      complexity: COMPLEXITY.oneTalker,
      tuning: "programme",
    }),
    packets: [],
  }));
  const held: FinishedSlot[] = [];
  let heldFrom = Number.POSITIVE_INFINITY;
  let current: number | undefined;
  let nextSlot = firstSlot;
  let newestLevels: readonly SeatLevel[] = [];
  let emptyPackets = 0;
  const isOverlapping = createOverlapDetector();
  let isTunedForOverlap = false;

  let newestFiller: { readonly slot: number; readonly packets: readonly Uint8Array[] } | undefined;

  function fillerOf(slot: number): readonly Uint8Array[] {
    if (newestFiller?.slot !== slot) newestFiller = { slot, packets: fillerPackets(slot) };
    return newestFiller.packets;
  }

  function begin(slot: number): void {
    if (slot < nextSlot) return;
    current = slot;
    if (slot < heldFrom) declareUpTo(slot);
  }

  function declareUpTo(slot: number): void {
    if (slot > nextSlot) onMissing(nextSlot, slot);
    nextSlot = slot;
  }

  function finish(slot: number): void {
    current = undefined;
    const fragments = encoders.map((encoder) => {
      const { rendition, packets } = encoder;
      encoder.packets = [];
      return { rendition, bytes: encodeFragment({ slot, levels: newestLevels, packets }) };
    });
    if (slot < heldFrom) appendSlot({ slot, fragments });
    else if (held.push({ slot, fragments }) > MAX_HELD_SLOTS) held.shift();
  }

  function tune(forOverlap: boolean): void {
    if (forOverlap === isTunedForOverlap) return;
    isTunedForOverlap = forOverlap;
    for (const { encoder } of encoders) {
      encoder.setComplexity(forOverlap ? COMPLEXITY.overlap : COMPLEXITY.oneTalker);
      encoder.setSignal(forOverlap ? "music" : "auto");
    }
  }

  function appendSlot({ slot, fragments }: FinishedSlot): void {
    declareUpTo(slot);
    nextSlot = slot + 1;
    for (const { rendition, bytes } of fragments) append(rendition, slot, bytes);
  }

  return {
    push(slot, packet, pcm, levels) {
      if (packet === 0) begin(slot);
      if (slot !== current) return;
      emptyPackets = pcm === undefined || isEmpty(pcm) ? emptyPackets + 1 : 0;
      const filler = emptyPackets > FILLER_AFTER_PACKETS ? fillerOf(slot)[packet] : undefined;
      for (const { encoder, packets } of encoders) packets.push(filler ?? encoder.encode(pcm ?? SILENCE));
      newestLevels = levels;
      if (packet < FRAGMENT_PACKETS - 1) return;
      finish(slot);
      tune(isOverlapping(levels));
    },
    finishWithFiller() {
      if (current === undefined) return;
      const filler = fillerPackets(current);
      for (const { packets } of encoders) packets.push(...filler.slice(packets.length));
      finish(current);
    },
    holdFrom(fromSlot) {
      heldFrom = fromSlot;
    },
    release() {
      heldFrom = Number.POSITIVE_INFINITY;
      for (const slot of held.splice(0)) appendSlot(slot);
    },
    [Symbol.dispose]() {
      for (const { encoder } of encoders) encoder[Symbol.dispose]();
    },
  };
}

/** Exact silence: no gate is open. Encoding it costs more than speech. */
function isEmpty(pcm: Float32Array): boolean {
  return pcm.every((sample) => sample === 0);
}
