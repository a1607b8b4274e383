// Reads Ogg Opus files (RFC 3533, RFC 7845) as they are found: chained, damaged, cut short. Does not decode.

import { concatBytes } from "../mp4-boxes.ts";
import { packetDurationSamples } from "../opus-packet.ts";
import { streamsDurationSamples, streamsOf } from "../opus-streams.ts";
import { CONTINUED, FIRST, LAST, OggError, type OggPage, pagesOf } from "./ogg-pages.ts";
import { type OpusHead, readOpusHead } from "./opus-head.ts";

/** One Opus stream of a file; chained files have several, one after the other. */
export interface OggLink extends OpusHead {
  /** Samples without pre-skip and trimmed end, with lost sound. */
  readonly durationSamples: number;
  /** Views of the given bytes; copies of packets across pages. */
  readonly packets: readonly Uint8Array[];
  /** In order. */
  readonly losses: readonly OggLoss[];
}

export interface OggLoss {
  readonly before: number;
  /** A multiple of 120, at most `MAX_LOSS_SAMPLES`. */
  readonly durationSamples: number;
}

/** A day of 20 ms packets. */
const MAX_PACKETS = 4_320_000;
const MAX_LINKS = 1_000;
const MAX_LOSSES = 1_000;
/** Ten seconds. A longer loss is shortened to this. */
const MAX_LOSS_SAMPLES = 480_000;
const MAX_PAGES_OF_A_PACKET = 64;
/** The shortest Opus frame, 2.5 ms. */
const SHORTEST_SAMPLES = 120;

/**
 * Of streams beside each other only the first is read. Throws OggError; its message completes "The file cannot be read:
 * …".
 */
export function readOgg(bytes: Uint8Array): readonly [OggLink, ...OggLink[]] {
  const links: OggLink[] = [];
  let reader: LinkReader | undefined;
  let otherCodec: string | undefined;
  const close = (): void => {
    if (reader === undefined) return;
    links.push(reader.link());
    if (links.length > MAX_LINKS) throw new OggError(`it is a chain of more than ${MAX_LINKS} streams`);
    if (links.reduce((sum, { packets }) => sum + packets.length, 0) > MAX_PACKETS) throw tooMany();
  };
  for (const page of pagesOf(bytes)) {
    if ((page.flags & FIRST) === 0) {
      if (page.serial === reader?.serial) reader.page(page);
    } else if (!startsWith(page.body, "OpusHead")) {
      otherCodec ??= codecOf(page.body);
    } else if (reader === undefined || reader.hasBegun) {
      close();
      reader = new LinkReader(page);
    }
  }
  close();
  const [first, ...others] = links;
  if (first === undefined) {
    throw new OggError(otherCodec === undefined ? "it has no Opus header" : `its sound is ${otherCodec}, not Opus`);
  }
  return [first, ...others];
}

class LinkReader {
  readonly serial: number;
  hasBegun = false;
  readonly #head: OpusHead;
  readonly #packets: Uint8Array[] = [];
  readonly #losses: OggLoss[] = [];
  #sequence: number;
  /** Parts of a packet that continues on the next page. */
  #open: Uint8Array[] = [];
  #position: number | undefined;
  #heldSamples = 0;
  #trimSamples = 0;
  #hole: number | undefined;

  constructor(page: OggPage) {
    this.#head = readOpusHead(page.body);
    this.serial = page.serial;
    this.#sequence = page.sequence;
  }

  page(page: OggPage): void {
    this.hasBegun = true;
    const isNext = page.sequence === (this.#sequence + 1) >>> 0;
    this.#sequence = page.sequence;
    if (!isNext) this.#miss();
    const durationSamples = this.#add(this.#packetsEndingOn(page));
    this.#advance(page, durationSamples);
  }

  link(): OggLink {
    const durationSamples = Math.max(0, this.#heldSamples - this.#head.preSkipSamples - this.#trimSamples);
    return { ...this.#head, durationSamples, packets: this.#packets, losses: this.#losses };
  }

  #miss(): void {
    this.#open = [];
    this.#hole ??= this.#packets.length;
  }

  #packetsEndingOn({ flags, lacing, body }: OggPage): Uint8Array[] {
    const isContinued = (flags & CONTINUED) !== 0;
    if (!isContinued) this.#open = [];
    let isTail = isContinued && this.#open.length === 0;
    const ended: Uint8Array[] = [];
    let start = 0;
    let end = 0;
    for (const segment of lacing) {
      end += segment;
      if (segment === 255) continue;
      const last = body.subarray(start, end);
      if (!isTail) ended.push(this.#open.length === 0 ? last : concatBytes([...this.#open, last]));
      this.#open = [];
      isTail = false;
      start = end;
    }
    if (end > start && !isTail) this.#open.push(body.subarray(start, end));
    if (this.#open.length > MAX_PAGES_OF_A_PACKET)
      throw new OggError(`a packet spans more than ${MAX_PAGES_OF_A_PACKET} pages`);
    return ended;
  }

  /** Keeps the packets that are Opus and returns their duration. */
  #add(packets: readonly Uint8Array[]): number {
    let durationSamples = 0;
    for (const packet of packets) {
      if (this.#packets.length === 0 && startsWith(packet, "OpusTags")) continue;
      const samples = this.#durationSamples(packet);
      if (samples === 0) {
        this.#hole ??= this.#packets.length;
        continue;
      }
      if (this.#packets.length >= MAX_PACKETS) throw tooMany();
      this.#packets.push(packet);
      durationSamples += samples;
    }
    this.#heldSamples += durationSamples;
    return durationSamples;
  }

  /** 0: unusable. */
  #durationSamples(packet: Uint8Array): number {
    const { surround } = this.#head;
    return surround === undefined
      ? packetDurationSamples(packet)
      : streamsDurationSamples(streamsOf(packet, surround.streams));
  }

  /** Calculates missing or trimmed sound from the page's granule position. */
  #advance({ flags, granule }: OggPage, durationSamples: number): void {
    if (granule === undefined || durationSamples === 0) {
      if (this.#position !== undefined) this.#position += durationSamples;
      return;
    }
    const start = Math.max(0, granule - durationSamples);
    const expected = this.#position ?? start;
    const missing = this.#hole === undefined ? 0 : Math.max(0, start - expected);
    this.#lose(missing);
    if ((flags & LAST) !== 0) this.#trimSamples = Math.max(0, expected + missing + durationSamples - granule);
    this.#position = granule;
    this.#hole = undefined;
  }

  #lose(missingSamples: number): void {
    const durationSamples = Math.min(MAX_LOSS_SAMPLES, missingSamples - (missingSamples % SHORTEST_SAMPLES));
    if (durationSamples === 0) return;
    if (this.#losses.length >= MAX_LOSSES) throw new OggError(`sound is missing in more than ${MAX_LOSSES} places`);
    this.#losses.push({ before: this.#hole ?? this.#packets.length, durationSamples });
    this.#heldSamples += durationSamples;
  }
}

const OTHER_CODECS: readonly (readonly [start: string, name: string])[] = [
  ["\x01vorbis", "Vorbis"],
  ["\x7fFLAC", "FLAC"],
  ["Speex   ", "Speex"],
];

function codecOf(head: Uint8Array): string | undefined {
  return OTHER_CODECS.find(([start]) => startsWith(head, start))?.[1];
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return bytes.length >= text.length && [...text].every((char, index) => bytes[index] === char.charCodeAt(0));
}

function tooMany(): OggError {
  return new OggError(`it has more than ${MAX_PACKETS} packets`);
}
