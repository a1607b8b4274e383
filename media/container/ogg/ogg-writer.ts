// Writes an Ogg Opus stream (RFC 3533, RFC 7845) as it grows.

import { concatBytes } from "../mp4-boxes.ts";
import { packetDurationSamples } from "../opus-packet.ts";
import { FIRST, LAST, OggError, writePage } from "./ogg-pages.ts";
import { OGG_SERIAL as SERIAL } from "./ogg-segments.ts";
import { opusHead, opusTags } from "./opus-headers.ts";

/** First `head`, then the bytes from each `packet` (empty until a page of about one second is full), last `end`. */
export interface OggWriter {
  readonly head: Uint8Array;
  packet(opus: Uint8Array): Uint8Array;
  /** Players drop `trimSamples` (absent: 0) from the end. */
  end(trimSamples?: number): Uint8Array;
}

/** libopus' lookahead at 48 kHz. */
const PRE_SKIP_SAMPLES = 312;
const PAGE_MAX_SEGMENTS = 255;
const PAGE_TARGET_SAMPLES = 48_000;

export function createOggWriter(): OggWriter {
  let sequence = 2;
  let granule = 0;
  let pageGranule = 0;
  let pending: Uint8Array[] = [];
  let segments = 0;
  const flush = (flags: number, granulePosition: number): Uint8Array => {
    const bytes = writePage({ flags, granule: granulePosition, serial: SERIAL, sequence }, pending);
    sequence += 1;
    pending = [];
    segments = 0;
    pageGranule = granule;
    return bytes;
  };
  const head = concatBytes([
    writePage({ flags: FIRST, granule: 0, serial: SERIAL, sequence: 0 }, [opusHead(PRE_SKIP_SAMPLES)]),
    writePage({ flags: 0, granule: 0, serial: SERIAL, sequence: 1 }, [opusTags()]),
  ]);
  return {
    head,
    packet(opus) {
      const duration = packetDurationSamples(opus);
      if (duration === 0) throw new OggError(`${opus.length} bytes are not an Opus packet`);
      const needed = Math.floor(opus.length / 255) + 1;
      const full = segments + needed > PAGE_MAX_SEGMENTS || granule - pageGranule >= PAGE_TARGET_SAMPLES;
      const written = full ? flush(0, granule) : new Uint8Array(0);
      pending.push(opus);
      segments += needed;
      granule += duration;
      return written;
    },
    end: (trimSamples = 0) => flush(LAST, Math.max(0, granule - trimSamples)),
  };
}
