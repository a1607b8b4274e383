// Makes Ogg Opus files of every kind for tests, also kinds that Hustings itself never writes.

import { concatBytes } from "../../mp4-boxes.ts";
import { packetDurationSamples } from "../../opus-packet.ts";
import { FIRST, LAST, writePage } from "../ogg-pages.ts";

export interface OggFixture {
  readonly packets: readonly Uint8Array[];
  readonly serial?: number;
  readonly channels?: number;
  readonly preSkipSamples?: number;
  /** Default: 0. */
  readonly gainDb?: number;
  /** Mapping family, number of streams and of stereo streams; default: family 0. */
  readonly mapping?: readonly [family: number, streams: number, coupled: number];
  /** The granule position at which the sound starts; default: 0. */
  readonly startGranule?: number;
  /** Default: 10. */
  readonly packetsPerPage?: number;
}

export const PRE_SKIP_SAMPLES = 312;

/** The pages of the file: the two headers, then `packetsPerPage` packets on each. */
export function oggPages(fixture: OggFixture): Uint8Array[] {
  const { packets, serial = 7, packetsPerPage = 10, startGranule = 0 } = fixture;
  const pages = [
    writePage({ flags: FIRST, granule: 0, serial, sequence: 0 }, [opusHead(fixture)]),
    writePage({ flags: 0, granule: 0, serial, sequence: 1 }, [new TextEncoder().encode("OpusTags\0\0\0\0\0\0\0\0")]),
  ];
  let granule = startGranule;
  for (let at = 0; at < packets.length; at += packetsPerPage) {
    const some = packets.slice(at, at + packetsPerPage);
    granule += some.reduce((sum, packet) => sum + packetDurationSamples(packet), 0);
    const flags = at + packetsPerPage >= packets.length ? LAST : 0;
    pages.push(writePage({ flags, granule, serial, sequence: pages.length }, some));
  }
  return pages;
}

export function oggFile(fixture: OggFixture): Uint8Array<ArrayBuffer> {
  return concatBytes(oggPages(fixture));
}

function opusHead({ channels = 1, preSkipSamples = PRE_SKIP_SAMPLES, gainDb = 0, mapping }: OggFixture): Uint8Array {
  const [family, streams, coupled] = mapping ?? [0, 1, 0];
  const table = family === 0 ? [] : [streams, coupled, ...Array.from({ length: channels }, (_, index) => index)];
  const head = new Uint8Array(19 + table.length);
  const view = new DataView(head.buffer);
  head.set(new TextEncoder().encode("OpusHead"));
  head[8] = 1;
  head[9] = channels;
  view.setUint16(10, preSkipSamples, true);
  view.setUint32(12, 48_000, true);
  view.setInt16(16, Math.round(gainDb * 256), true);
  head[18] = family;
  head.set(table, 19);
  return head;
}
