// Filler: the packets that replace a declared absence.

import { FRAGMENT_PACKETS } from "@hustings/wire/units.ts";

/**
 * 20 ms of digital silence (CELT, full band, mono), as our encoder writes it at 32 kb/s. Any decoder fades from the sound
 * before to silence within a few milliseconds.
 */
const SILENCE = [0xf8, 0xff, 0xfe] as const;

/** The length of all packets of one slot's filler. */
export const FILLER_BYTES = SILENCE.length * FRAGMENT_PACKETS;

/**
 * Ten fresh packets, for every rendition. A pure function of the slot number (today the same for all slots), so that every
 * view of a log has the same bytes.
 */
export function fillerPackets(_slot: number): readonly Uint8Array<ArrayBuffer>[] {
  return Array.from({ length: FRAGMENT_PACKETS }, () => Uint8Array.from(SILENCE));
}
