// The limits that apply to a process which follows spaces, each with what happens when it is reached.

export interface FollowLimits {
  /** Spaces followed at once; one more is refused with `full`, unless one without listeners can go. */
  readonly followedSpaces: number;
  /** Ids remembered as unknown; the oldest goes. */
  readonly unknownSpaces: number;
  /** Questions to the stage about ids that it did not list, per second and at once; more are refused with `too-many`. */
  readonly lookUpsPerSecond: number;
}

export const FOLLOW_LIMITS: FollowLimits = {
  followedSpaces: 1_000,
  unknownSpaces: 4_096,
  lookUpsPerSecond: 100,
};

/** A followed space is kept this long after its last listener or request. */
export const LINGER_MS = 30_000;
/** A newcomer to a space that is just being followed waits at most this long for its recent sound. */
export const READY_MS = 3_000;
/** An unknown id is taken as unknown this long; an absent stage as absent. */
export const UNKNOWN_MS = 2_000;
export const ABSENT_MS = 500;
/** Audience is told to the stage at most this often, and to listeners. */
export const COUNT_MS = 1_000;
export const AUDIENCE_NOTICE_MS = 2_000;
/** A change by less than this part of the audience is told to listeners only after so long. */
export const AUDIENCE_STEP = 0.01;
export const AUDIENCE_SMALL_STEP_MS = 10_000;
/** State entries kept for those who come back; older: the snapshot alone. */
export const KEPT_ENTRIES = 512;
/** After the end of a space its last sound may follow for this long. */
export const END_MS = 1_000;
