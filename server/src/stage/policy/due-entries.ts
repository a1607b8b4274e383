// Owns what the stage writes of its own accord: who is there, whose seat is free again, what is on air, whether it is being
// recorded. Pure: compares what is with what is written, so that an entry that failed is simply asked for again.

import type { PersonId } from "@hustings/wire/ids.ts";
import type { SpaceState, StateChange } from "@hustings/wire/log/state.ts";
import type { AirState } from "./dead-air.ts";

export interface SeatPresence {
  readonly isPresent: boolean;
  /** How long nobody has answered on the seat's line; 0 while somebody does. */
  readonly disconnectedForMs: number;
}

export interface SpaceObservations {
  readonly presenceOf: (person: PersonId) => SeatPresence;
  /** Undefined unless the space is live. */
  readonly air: AirState | undefined;
  /** Whether sound is being stored; undefined where the stage is not asked to record. */
  readonly isStoring: boolean | undefined;
  readonly seatKeptMs: number;
}

/** The entries that are missing. The host's seat is kept as long as the space lives, everybody else's for `seatKeptMs`. */
export function dueEntries(
  state: SpaceState,
  { presenceOf, air, isStoring, seatKeptMs }: SpaceObservations,
): readonly StateChange[] {
  if (state.phase === "ended") return [];
  const changes: StateChange[] = [];
  for (const { seat, person, present, role } of state.seats) {
    const { isPresent, disconnectedForMs } = presenceOf(person);
    if (role !== "host" && disconnectedForMs >= seatKeptMs) changes.push({ kind: "left", seat, why: "timeout" });
    else if (isPresent !== present) changes.push({ kind: "present", seat, present: isPresent });
  }
  if (air === undefined || state.phase !== "live") return changes;
  if (air.air !== state.air || air.reason !== state.holdReason) {
    changes.push({ kind: "air", air: air.air, ...(air.reason === undefined ? {} : { reason: air.reason }) });
  }
  const recording = isStoring === undefined ? "off" : isStoring ? "on" : "failed";
  if (recording !== state.recording) changes.push({ kind: "recording", recording });
  return changes;
}
