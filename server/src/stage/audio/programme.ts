// Owns the programme of one live space: encoded once per rendition, ten packets to a fragment, handed to the log slot by
// slot. Refuses to know seats, and to wait for a disk. While the entry that opens or ends the broadcast is on its way to the
// disk, fragments are held: nothing is heard that the log may not know of.

import type { Opus, OpusEncoder } from "@hustings/media/codec/opus.ts";
import { fillerPackets } from "@hustings/media/container/filler.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import { FRAGMENT_PACKETS, RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import { createOverlapDetector } from "./overlap-detector.ts";

export interface Programme extends Disposable {
  /** One packet's worth of the mix: the `packet`-th (0-9) of `slot`. A slot that is not joined at its first is passed over. */
  push(slot: number, packet: number, pcm: Float32Array, levels: readonly SeatLevel[]): void;
  /** Ticks were missed: what there is of the slot is handed over with filler behind it. */
  finishWithFiller(): void;
  /** Keeps fragments of `fromSlot` and later back. */
  holdFrom(fromSlot: number): void;
  /** Hands over what was kept back, and holds no more. */
  release(): void;
}

export interface ProgrammeOptions {
  readonly opus: Opus;
  readonly firstSlot: number;
  readonly append: (rendition: Rendition, slot: number, bytes: Uint8Array) => void;
  /** Slots `[from, to)` were passed over and will never be. Called as the first slot behind them begins. */
  readonly onMissing: (from: number, to: number) => void;
}

/** Fragments of each rendition that may be held: 10 s. The oldest go, and are then missing. */
export const MAX_HELD_SLOTS = 50;
/** For one talker the codec's pitch filter is worth its cost; for many at once it is not (docs/decisions/0002). */
const COMPLEXITY = { oneTalker: 5, overlap: 4 } as const;
/** Packets of nothing at all after which the encoders rest: their own tail has died away by then. */
const REST_AFTER_PACKETS = 10;

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

  function join(slot: number): void {
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
    const fragments = encoders.map((voice) => {
      const bytes = encodeFragment({ slot, levels: newestLevels, packets: voice.packets });
      voice.packets = [];
      return { rendition: voice.rendition, bytes };
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
      if (packet === 0) join(slot);
      if (slot !== current) return;
      emptyPackets = isEmpty(pcm) ? emptyPackets + 1 : 0;
      const rest = emptyPackets > REST_AFTER_PACKETS ? fillerPackets(slot)[packet] : undefined;
      for (const voice of encoders) voice.packets.push(rest ?? voice.encoder.encode(pcm));
      newestLevels = levels;
      if (packet < FRAGMENT_PACKETS - 1) return;
      finish(slot);
      tune(isOverlapping(levels));
    },
    finishWithFiller() {
      if (current === undefined) return;
      const filler = fillerPackets(current);
      for (const voice of encoders) voice.packets.push(...filler.slice(voice.packets.length));
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

/** Exact silence: nobody is open. It costs an encoder more than speech does, and says less. */
function isEmpty(pcm: Float32Array): boolean {
  return pcm.every((sample) => sample === 0);
}
