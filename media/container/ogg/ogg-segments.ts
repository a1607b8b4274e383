// Pages of an Ogg Opus stream that are made one by one, in any order (RFC 3533, RFC 7845).

import { concatBytes } from "../mp4-boxes.ts";
import { FIRST, HEADER_BYTES, LAST, writePage } from "./ogg-pages.ts";
import { type OpusComments, opusHead, opusTags } from "./opus-headers.ts";

/** Spells "Hust". */
export const OGG_SERIAL = 0x48757374;
/** Of a page, besides a byte for each lacing value. */
export const PAGE_HEADER_BYTES = HEADER_BYTES;

export interface SoundPage {
  readonly packets: readonly Uint8Array[];
  /** Samples from the start of the stream to the end of the page. */
  readonly endSample: number;
  /** The two pages of the head are 0 and 1. */
  readonly sequence: number;
  readonly isLast: boolean;
}

/** The two pages of the head of a stream without pre-skip, together of `sizeBytes`. */
export function oggHead(comments: OpusComments, sizeBytes: number): Uint8Array {
  const first = writePage({ flags: FIRST, granule: 0, serial: OGG_SERIAL, sequence: 0 }, [opusHead(0)]);
  const roomBytes = sizeBytes - first.length - HEADER_BYTES;
  // A lacing value for each 255 bytes and one more.
  const tags = opusTags(comments, roomBytes - Math.ceil(roomBytes / 256));
  return concatBytes([first, writePage({ flags: 0, granule: 0, serial: OGG_SERIAL, sequence: 1 }, [tags])]);
}

/** Throws RangeError if the lengths of the packets need more than 255 lacing values. */
export function soundPage({ packets, endSample, sequence, isLast }: SoundPage): Uint8Array {
  const lacingBytes = packets.reduce((sum, { length }) => sum + Math.floor(length / 255) + 1, 0);
  if (lacingBytes > 255) throw new RangeError(`${packets.length} packets need ${lacingBytes} lacing values.`);
  return writePage({ flags: isLast ? LAST : 0, granule: endSample, serial: OGG_SERIAL, sequence }, packets);
}
