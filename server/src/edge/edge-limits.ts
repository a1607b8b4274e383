// Owns the numbers that bound an edge, each with what happens at the bound. Refuses to measure the machine.

import { FOLLOW_LIMITS, type FollowLimits } from "../replica/follow-limits.ts";

export interface EdgeLimits extends FollowLimits {
  /** Listeners at once; one more who is new waits in the line. */
  readonly listeners: number;
  /** So many more may come back who were listening before, as from an edge that died; one more goes first in the line. */
  readonly returning: number;
  /** People in the line; one more is closed with 4506. */
  readonly queued: number;
  /** Memory of the process; above it nobody comes in. */
  readonly memoryBytes: number;
  /** TCP connections at once, requests included; one more is closed as it is accepted. */
  readonly connections: number;
  /** WebSocket upgrades of one address, not this machine's own: per second, and how many may come at once; more are refused with `too-many`. */
  readonly upgradesPerSecond: number;
  readonly upgradesBurst: number;
  /** Listeners of one address (of IPv6 one /64) at once, not this machine's own; one more is closed with 4430. */
  readonly listenersPerAddress: number;
  /** TCP connections of one address at once, counted as listeners are; one more is closed as it is accepted. */
  readonly connectionsPerAddress: number;
  /** Addresses whose upgrades are counted; the one longest unseen goes. */
  readonly trackedAddresses: number;
  /** Requests in work at each process behind the door; one more is refused with `full`. */
  readonly proxiedRequests: number;
  /** Those at the packager, where players wait for AAC; one more is refused with `full`. */
  readonly packagerRequests: number;
  /** HLS requests that wait for sound; one more is refused with `full`. */
  readonly hlsWaiting: number;
  /** Largest body that is passed inward; a larger one is refused with `too-large`. */
  readonly proxiedBodyBytes: number;
}

export const EDGE_LIMITS: EdgeLimits = {
  ...FOLLOW_LIMITS,
  listeners: 100_000,
  returning: 2_000,
  queued: 2_000,
  memoryBytes: Infinity,
  connections: 110_000,
  upgradesPerSecond: 200,
  upgradesBurst: 2_000,
  listenersPerAddress: 12_500,
  connectionsPerAddress: 15_625,
  trackedAddresses: 4_096,
  proxiedRequests: 256,
  packagerRequests: 2_048,
  hlsWaiting: 20_000,
  proxiedBodyBytes: 64 * 1024,
};

/** Bytes that one listener may leave unsent; in time `STALL_MS` of sound, whichever is less. */
export const MAX_UNSENT_BYTES = 64 * 1024;
export const STALL_MS = 4_000;
/** Sound that goes into one frame: a push of 8 s at 16 kb/s, of 4 s at 32 kb/s. */
export const MAX_FRAME_BYTES = 20 * 1024;
/**
 * A listener that answers no ping for two of these is gone. Where sound flows pings are eight times as rare: what a dead
 * machine does not take fills its send buffer within half a minute, which is noticed as a stall; a ping to each of many
 * thousands, with its answer from a socket that nothing else is read from, costs as much as three pushes.
 */
export const PING_MS = 30_000;
export const FLOWING_PING_MS = 240_000;
/** What a listener may send up in a second, pings included; more closes with 4429. */
export const UPWARD_PER_SECOND = 5;
