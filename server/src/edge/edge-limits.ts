// Limits of an edge, each with what happens at the limit.

import { FOLLOW_LIMITS, type FollowLimits } from "../replica/follow-limits.ts";

export interface EdgeLimits extends FollowLimits {
  /** Maximum listeners; further newcomers queue. */
  readonly listeners: number;
  /** Additional places for resuming listeners; further ones go to the front of the queue. */
  readonly returning: number;
  /** Further listeners are closed with 4506. */
  readonly queued: number;
  /** Above this memory of the process nobody is admitted. */
  readonly memoryBytes: number;
  /** HTTP requests included; further ones are closed on accept. */
  readonly connections: number;
  /** Upgrades per address; further ones are refused with `too-many`. This machine is exempt. */
  readonly upgradesPerSecond: number;
  readonly upgradesBurst: number;
  /** Listeners per address (IPv6: /64); further ones are closed with 4430. This machine is exempt. */
  readonly listenersPerAddress: number;
  /** Counted like listeners; further ones are closed on accept. */
  readonly connectionsPerAddress: number;
  /** The one unseen for longest is forgotten. */
  readonly trackedAddresses: number;
  /** Requests that each process behind the edge works on; further ones are refused with `full`. */
  readonly proxiedRequests: number;
  /** Long answers, such as recordings, that are on their way from each process; further ones are refused with `full`. */
  readonly proxiedStreams: number;
  /** Requests of one address to each process until they are answered; further ones are refused with `too-many`. */
  readonly proxiedRequestsPerAddress: number;
  /** Bodies being read for each process; beyond it the one that began first is refused with `too-slow`. */
  readonly proxiedBodies: number;
  /** Requests in flight to the packager, where players wait for AAC; further ones are refused with `full`. */
  readonly packagerRequests: number;
  readonly packagerRequestsPerAddress: number;
  /** HLS requests that wait for sound; further ones are refused with `full`. */
  readonly hlsWaiting: number;
  /** A larger one is refused with `too-large`. */
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
  proxiedStreams: 256,
  proxiedRequestsPerAddress: 64,
  proxiedBodies: 1_024,
  packagerRequests: 2_048,
  packagerRequestsPerAddress: 1_024,
  hlsWaiting: 20_000,
  proxiedBodyBytes: 64 * 1024,
};

/** Limit per listener, or `STALL_MS` of sound if that is less. */
export const MAX_UNSENT_BYTES = 64 * 1024;
export const STALL_MS = 4_000;
/** A push of 8 s at 16 kb/s, or of 4 s at 32 kb/s. */
export const MAX_FRAME_BYTES = 20 * 1024;
/** Two missed pings disconnect. Pings are rare: one costs three pushes, and a dead peer stalls anyway. */
export const PING_MS = 30_000;
export const FLOWING_PING_MS = 240_000;
/** Limit per listener, pings included; more closes with 4429. */
export const MESSAGES_PER_SECOND = 5;
