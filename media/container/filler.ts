// Owns filler: the packets that stand in for a declared absence. Refuses to know which slots are absent.

import { FRAGMENT_PACKETS } from "@hustings/wire/units.ts";

/**
 * 20 ms of digital silence (CELT, full band, mono), as our own encoder writes it at 32 kb/s. Any decoder in any state
 * fades from what it played to nothing within a few milliseconds.
 */
const SILENCE = [0xf8, 0xff, 0xfe] as const;

/** Bytes of one slot's filler: the sum of its packets' lengths. */
export const FILLER_BYTES = SILENCE.length * FRAGMENT_PACKETS;

/**
 * The ten packets of `slot`, of either rendition, fresh. A pure function of the slot number (today the same for all),
 * so that every view of one log is the same bytes.
 */
export function fillerPackets(_slot: number): readonly Uint8Array<ArrayBuffer>[] {
  return Array.from({ length: FRAGMENT_PACKETS }, () => Uint8Array.from(SILENCE));
}
