// Reads the identification header of Ogg Opus (RFC 7845 §5.1), with its channel mapping.

import { type ChannelPosition, MAX_CHANNELS, monoGains } from "../../mix/downmix.ts";
import { OggError } from "./ogg-pages.ts";

export interface OpusHead {
  /** Samples at 48 kHz to drop from the start of the decoded sound. */
  readonly preSkipSamples: number;
  /** 1 to MAX_CHANNELS. */
  readonly channels: number;
  /** Output gain for the decoded sound. */
  readonly gainDb: number;
  /** Present if the packets hold several streams, or one with more than two channels. */
  readonly surround?: SurroundLayout;
}

/** How packets of several streams become mono. */
export interface SurroundLayout {
  /** Streams in each packet: the first `coupled` are stereo, the others mono. */
  readonly streams: number;
  readonly coupled: number;
  /** For each decoded channel, in the order of the streams. Their sum is at most 1. */
  readonly gains: readonly number[];
}

const [side, centre, surround, low] = ["side", "centre", "surround", "low"] as const;

/** Mapping family 1 (RFC 7845 §5.1.1.2), by the number of channels. */
const VORBIS_ORDERS: readonly (readonly ChannelPosition[])[] = [
  [],
  [centre],
  [side, side],
  [side, centre, side],
  [side, side, surround, surround],
  [side, centre, side, surround, surround],
  [side, centre, side, surround, surround, low],
  [side, centre, side, surround, surround, surround, low],
  [side, centre, side, surround, surround, surround, surround, low],
];

const FAMILY_STEREO = 0;
const FAMILY_SURROUND = 1;
/** Channels without a known place. */
const FAMILY_DISCRETE = 255;
const NO_STREAM = 255;

/** Throws OggError. */
export function readOpusHead(bytes: Uint8Array): OpusHead {
  if (bytes.length < 19) throw new OggError("its Opus header is cut short");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(8);
  if (version >= 16) throw new OggError(`its Opus header has version ${version}; 1 is read`);
  const head = {
    preSkipSamples: view.getUint16(10, true),
    channels: view.getUint8(9),
    gainDb: view.getInt16(16, true) / 256,
  };
  const family = view.getUint8(18);
  if (![FAMILY_STEREO, FAMILY_SURROUND, FAMILY_DISCRETE].includes(family))
    throw new OggError(`its channels have mapping family ${family}; 0, 1 and 255 are read`);
  const most = family === FAMILY_STEREO ? 2 : MAX_CHANNELS;
  if (head.channels < 1 || head.channels > most)
    throw new OggError(`it has ${head.channels} channels (mapping family ${family}); one to ${most} are read`);
  if (family === FAMILY_STEREO) return head;
  const layout = readLayout(bytes.subarray(19), head.channels, family);
  return layout.streams === 1 && head.channels <= 2 ? head : { ...head, surround: layout };
}

function readLayout(table: Uint8Array, channels: number, family: number): SurroundLayout {
  const [streams = 0, coupled = 0] = table;
  const mapping = table.subarray(2, 2 + channels);
  if (mapping.length < channels) throw new OggError("its Opus header is cut short");
  const decoded = streams + coupled;
  const isValid = streams >= 1 && coupled <= streams && mapping.every((to) => to < decoded || to === NO_STREAM);
  if (!isValid || streams > MAX_CHANNELS)
    throw new OggError(`its ${channels} channels are mapped wrongly to ${streams} streams, ${coupled} of them stereo`);
  const known = family === FAMILY_SURROUND ? VORBIS_ORDERS[channels] : undefined;
  const positions = Array.from(mapping, (to, channel): ChannelPosition => {
    return to === NO_STREAM ? "silent" : (known?.[channel] ?? "unknown");
  });
  const gains = new Array<number>(decoded).fill(0);
  for (const [channel, gain] of monoGains(positions).entries()) {
    const to = mapping[channel] ?? NO_STREAM;
    if (to !== NO_STREAM) gains[to] = (gains[to] ?? 0) + gain;
  }
  return { streams, coupled, gains };
}
