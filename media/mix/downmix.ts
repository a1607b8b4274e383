// Gains that mix the loudspeaker channels of a recording to mono (ITU-R BS.775-4, annex 4).

/** Where a channel is played. "low": the subwoofer. "unknown": the file does not tell; "silent": nowhere. */
export type ChannelPosition = "centre" | "side" | "surround" | "low" | "unknown" | "silent";

const GAINS: Readonly<Record<ChannelPosition, number>> = {
  centre: 1,
  side: Math.SQRT1_2,
  surround: 0.5,
  // BS.775 leaves it out: a subwoofer repeats what the other channels have.
  low: 0,
  unknown: Math.SQRT1_2,
  silent: 0,
};

export const MAX_CHANNELS = 8;

/** One gain per channel. Their sum is 1, so that channels at full scale do not clip, or 0 if no channel is to be heard. */
export function monoGains(positions: readonly ChannelPosition[]): readonly number[] {
  const sum = positions.reduce((total, position) => total + GAINS[position], 0);
  return positions.map((position) => (sum === 0 ? 0 : GAINS[position] / sum));
}
