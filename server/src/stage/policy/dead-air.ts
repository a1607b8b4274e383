// Owns the decision between voices and hold music, tick by tick. Refuses to know levels, seats and how music is played.

import type { Air, HoldReason } from "@hustings/wire/log/state.ts";

/** What is remembered from one tick to the next. `reason` is there exactly while `air` is "hold". */
export interface AirState {
  readonly air: Air;
  readonly reason: HoldReason | undefined;
  /** Since a voice was last heard. */
  readonly quietMs: number;
}

/** One tick of a live space. */
export interface AirSignals {
  /** Sound of at least one seat reaches the stage, muted or not. */
  readonly someonePresent: boolean;
  /** Somebody who is not muted is speaking. */
  readonly voice: boolean;
  readonly elapsedMs: number;
}

/** No seat audible for this long, and hold music begins. */
export const SILENCE_LIMIT_MS = 12_000;

/** A space that goes live now: whoever is there has the whole limit to begin. */
export function airAtStart(someonePresent: boolean): AirState {
  return someonePresent
    ? { air: "voice", reason: undefined, quietMs: 0 }
    : { air: "hold", reason: "nobody-on-stage", quietMs: 0 };
}

/** A stage that comes back to a live space: music until somebody speaks. */
export const AIR_AFTER_RESTART: AirState = { air: "hold", reason: "stage-back", quietMs: 0 };

/** A voice is on air at once; nobody, or nobody heard for `limitMs`, is hold music. Music ends by a voice alone. */
export function nextAir(memory: AirState, signals: AirSignals, limitMs = SILENCE_LIMIT_MS): AirState {
  if (signals.voice) return { air: "voice", reason: undefined, quietMs: 0 };
  const quietMs = memory.quietMs + signals.elapsedMs;
  if (!signals.someonePresent) {
    return { air: "hold", reason: memory.reason === "stage-back" ? "stage-back" : "nobody-on-stage", quietMs };
  }
  if (memory.air === "voice" && quietMs < limitMs) return { air: "voice", reason: undefined, quietMs };
  return { air: "hold", reason: "silence", quietMs };
}
