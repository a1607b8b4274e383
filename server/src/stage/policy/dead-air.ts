// Decides each tick whether listeners hear voices or hold music. Pure.

import type { Air, HoldReason } from "@hustings/wire/log/state.ts";

/** `reason` is defined only while `air` is "hold". */
export interface AirState {
  readonly air: Air;
  readonly reason: HoldReason | undefined;
  readonly quietMs: number;
}

export interface AirSignals {
  /** Packets arrive from a seat, muted or not. */
  readonly someonePresent: boolean;
  readonly voice: boolean;
  readonly elapsedMs: number;
}

/** People have the whole silence limit to start speaking. */
export function airAtStart(someonePresent: boolean): AirState {
  return someonePresent
    ? { air: "voice", reason: undefined, quietMs: 0 }
    : { air: "hold", reason: "nobody-on-stage", quietMs: 0 };
}

/** Hold music until somebody speaks. */
export const AIR_AFTER_RESTART: AirState = { air: "hold", reason: "stage-back", quietMs: 0 };

/** Hold music begins if nobody is present, or after `limitMs` without a voice; only a voice ends it. */
export function nextAir(memory: AirState, signals: AirSignals, limitMs: number): AirState {
  if (signals.voice) return { air: "voice", reason: undefined, quietMs: 0 };
  const quietMs = memory.quietMs + signals.elapsedMs;
  if (!signals.someonePresent) {
    return { air: "hold", reason: memory.reason === "stage-back" ? "stage-back" : "nobody-on-stage", quietMs };
  }
  if (memory.air === "voice" && quietMs < limitMs) return { air: "voice", reason: undefined, quietMs };
  return { air: "hold", reason: "silence", quietMs };
}
