// Limits of a process that follows spaces.

export interface FollowLimits {
  /** A further space replaces one without listeners, or is refused with `full`. */
  readonly followedSpaces: number;
  readonly unknownSpaces: number;
  /** Look-ups of ids that the stage did not list; more are refused with `too-many`. */
  readonly lookUpsPerSecond: number;
}

export const FOLLOW_LIMITS: FollowLimits = {
  followedSpaces: 1_000,
  unknownSpaces: 4_096,
  lookUpsPerSecond: 100,
};

/** A space is followed this long after its last listener or request. */
export const LINGER_MS = 30_000;
/** Maximum wait of a newcomer for the recent sound of a space that was not followed yet. */
export const READY_MS = 3_000;
/** For this long an unknown id is refused without asking again, and the stage counts as away. */
export const UNKNOWN_MS = 2_000;
export const ABSENT_MS = 500;
/** Shortest time between two reports of the audience. */
export const COUNT_MS = 1_000;
/** From a change of a listener's lag to the report of it. */
export const LAG_MS = 3_000;
export const AUDIENCE_NOTICE_MS = 2_000;
/** Smaller changes are reported to listeners only after `AUDIENCE_SMALL_STEP_MS`. */
export const AUDIENCE_STEP = 0.01;
export const AUDIENCE_SMALL_STEP_MS = 10_000;
/** Sound may still arrive this long after the end. */
export const END_MS = 1_000;
