// Filler: the packets that replace a declared absence.

import { FRAGMENT_PACKETS } from "@hustings/wire/units.ts";

/** 20 ms of digital silence (CELT, mono), to which any decoder fades within a few milliseconds. */
const SILENCE = [0xf8, 0xff, 0xfe] as const;

export const FILLER_BYTES = SILENCE.length * FRAGMENT_PACKETS;

/** Ten fresh packets. A pure function of the slot, so that every view of a log has the same bytes. */
export function fillerPackets(_slot: number): readonly Uint8Array<ArrayBuffer>[] {
  return Array.from({ length: FRAGMENT_PACKETS }, () => Uint8Array.from(SILENCE));
}
