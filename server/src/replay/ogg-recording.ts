// The recording as Ogg Opus, for players that refuse Opus in MP4: two pages of headers, then two pages a second, so that the
// longest packets fit (a page has at most 255 lacing values). Pre-skip is 0 as in the MP4, so both have the same samples.

import { oggHead, PAGE_HEADER_BYTES, soundPage } from "@hustings/media/container/ogg/ogg-segments.ts";
import { FRAGMENT_PACKETS, PACKET_SAMPLES } from "@hustings/wire/units.ts";
import type { RecordingFormat } from "./recording-format.ts";
import { type RecordingSegment, SEGMENT_SLOTS } from "./recording-index.ts";

const FIRST_PAGE_SLOTS = 3;
const FIRST_PAGE_PACKETS = FIRST_PAGE_SLOTS * FRAGMENT_PACKETS;
const PAGES = 2;
const HEADER_PAGES = 2;
/** Room for a title and a name in UTF-8, whatever their length. */
const HEAD_BYTES = 2_048;

export const OGG_RECORDING: RecordingFormat = {
  headBytes: HEAD_BYTES,
  head: (_segments, { title, host }) => oggHead({ TITLE: title, ARTIST: host }, HEAD_BYTES),
  offsetOf: (number, { before }) => number * PAGES * PAGE_HEADER_BYTES + before.packetBytes + before.lacingBytes,
  sizeOf: ({ slotCount, size }: RecordingSegment) =>
    pagesOf(slotCount * FRAGMENT_PACKETS) * PAGE_HEADER_BYTES + size.packetBytes + size.lacingBytes,
  segment(number, packets, isLast) {
    const firstSample = number * SEGMENT_SLOTS * FRAGMENT_PACKETS * PACKET_SAMPLES;
    const pages = Array.from({ length: pagesOf(packets.length) }, (_, i) => {
      const end = i === 0 ? Math.min(FIRST_PAGE_PACKETS, packets.length) : packets.length;
      return soundPage({
        packets: packets.slice(i * FIRST_PAGE_PACKETS, end),
        endSample: firstSample + end * PACKET_SAMPLES,
        sequence: HEADER_PAGES + number * PAGES + i,
        isLast: isLast && end === packets.length,
      });
    });
    return Buffer.concat(pages);
  },
};

function pagesOf(packetCount: number): number {
  return packetCount > FIRST_PAGE_PACKETS ? PAGES : 1;
}
