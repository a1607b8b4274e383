// Decides which entries are due without a command. Pure: an entry that could not be written becomes due again.

import type { PersonId } from "@hustings/wire/ids.ts";
import type { SpaceState, StateChange } from "@hustings/wire/log/state.ts";
import type { AirState } from "./dead-air.ts";

export interface SeatPresence {
  readonly isPresent: boolean;
  /** 0 while the seat has a connected call. */
  readonly disconnectedForMs: number;
}

export interface SpaceObservations {
  readonly presenceOf: (person: PersonId) => SeatPresence;
  readonly air: AirState | undefined;
  /** Undefined: not recorded. */
  readonly isStoring: boolean | undefined;
  readonly seatKeptMs: number;
}

/** Seats but the host's expire after `seatKeptMs` without a call. */
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
