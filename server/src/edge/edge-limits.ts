// Limits of an edge, each with what happens at the limit.

import { FOLLOW_LIMITS, type FollowLimits } from "../replica/follow-limits.ts";

export interface EdgeLimits extends FollowLimits {
  /** Maximum listeners; further newcomers queue. */
  readonly listeners: number;
  /** Places beyond `listeners` for listeners that resume; further ones go to the front of the queue. */
  readonly returning: number;
  /** Maximum queue length; a further listener is closed with 4506. */
  readonly queued: number;
  /** Above this memory of the process nobody is admitted. */
  readonly memoryBytes: number;
  /** TCP connections, HTTP requests included; a further one is closed on accept. */
  readonly connections: number;
  /** WebSocket upgrades of one address; further ones are refused with `too-many`. This machine is exempt. */
  readonly upgradesPerSecond: number;
  readonly upgradesBurst: number;
  /** Listeners of one address (IPv6: one /64); a further one is closed with 4430. This machine is exempt. */
  readonly listenersPerAddress: number;
  /** TCP connections of one address, counted like listeners; a further one is closed on accept. */
  readonly connectionsPerAddress: number;
  /** Addresses whose upgrades are counted; the one unseen for longest is forgotten. */
  readonly trackedAddresses: number;
  /** Requests in flight to each process behind the edge; further ones are refused with `full`. */
  readonly proxiedRequests: number;
  /** Requests in flight to the packager, where players wait for AAC; further ones are refused with `full`. */
  readonly packagerRequests: number;
  /** HLS requests that wait for sound; further ones are refused with `full`. */
  readonly hlsWaiting: number;
  /** Largest request body that is proxied; a larger one is refused with `too-large`. */
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

/** Unsent bytes per listener, or `STALL_MS` of sound, whichever is less. */
export const MAX_UNSENT_BYTES = 64 * 1024;
export const STALL_MS = 4_000;
/** Most sound in one frame: a push of 8 s at 16 kb/s, or of 4 s at 32 kb/s. */
export const MAX_FRAME_BYTES = 20 * 1024;
/**
 * A listener that misses two pings in a row is disconnected. While sound flows pings are rare: a dead peer fills its
 * send buffer within half a minute, which shows as a stall, and one ping costs as much as three pushes.
 */
export const PING_MS = 30_000;
export const FLOWING_PING_MS = 240_000;
/** Messages of one listener per second, pings included; more closes with 4429. */
export const MESSAGES_PER_SECOND = 5;
