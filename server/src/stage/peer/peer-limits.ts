// Limits a peer's packets and channels. The library decrypts every packet before it can be dropped, so a peer that
// keeps flooding is closed.

import { createTokenBucket } from "@hustings/flow/token-bucket.ts";

export interface PeerLimits {
  /** "drop": beyond the limit. "flood": the peer is to be closed. */
  takePacket(): "take" | "drop" | "flood";
  /** False: too many channels. */
  takeChannel(): boolean;
}

/** Ten times the packets of an honest sender; the burst is what one sends in twenty seconds, which a stall may hold back. */
export const PACKETS_PER_SECOND = 500;
export const PACKET_BURST = 1_000;
/** Dropped packets; an honest sender has none. */
const DROPS_PER_SECOND = 100;
export const DROP_BURST = 5_000;
/** An honest peer opens one channel. */
export const CHANNEL_BURST = 8;
const CHANNELS_PER_SECOND = 0.1;

/** `now` in milliseconds of a monotonic clock. */
export function createPeerLimits(now: () => number): PeerLimits {
  const clock = { monotonicMs: now };
  const packets = createTokenBucket(clock, PACKETS_PER_SECOND, PACKET_BURST);
  const drops = createTokenBucket(clock, DROPS_PER_SECOND, DROP_BURST);
  const channels = createTokenBucket(clock, CHANNELS_PER_SECOND, CHANNEL_BURST);
  return {
    takePacket() {
      if (packets.takeMs() === 0) return "take";
      return drops.takeMs() === 0 ? "drop" : "flood";
    },
    takeChannel: () => channels.takeMs() === 0,
  };
}
