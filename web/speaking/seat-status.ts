// Decides which status of a seat a speaker reads. Pure; the sentences are in web/text.

import type { MicrophoneCondition } from "@hustings/speaker/browser/microphone.ts";
import type { SeatPhase } from "@hustings/speaker/browser/seat.ts";
import type { ErrorCode } from "@hustings/wire/errors.ts";
import type { Phase } from "@hustings/wire/log/state.ts";

export type SeatStatus =
  | "off-stage"
  | "seat-kept"
  | "connecting"
  | "reconnecting"
  | "microphone-ended"
  | "microphone-interrupted"
  | "muted-by-host"
  | "muted"
  | "not-live"
  | "not-live-unmuted"
  | "on-air"
  | "left"
  | "replaced";

export interface SeatFacts {
  readonly seat: SeatPhase | undefined;
  readonly phase: Phase;
  readonly isMuted: boolean;
  readonly mutedBy: "self" | "host";
  readonly microphone: MicrophoneCondition;
  /** This person may sit down without an invitation, as a host may. */
  readonly takesSeatUninvited: boolean;
}

export function seatStatusOf(facts: SeatFacts): SeatStatus | ErrorCode {
  const { seat, phase, isMuted, mutedBy, microphone, takesSeatUninvited } = facts;
  if (seat === undefined) return takesSeatUninvited ? "off-stage" : "seat-kept";
  if (seat.kind === "over") return seat.why;
  if (seat.kind !== "seated") return seat.kind;
  if (microphone !== "working") return `microphone-${microphone}`;
  if (isMuted && mutedBy === "host" && !takesSeatUninvited) return "muted-by-host";
  if (phase === "live") return isMuted ? "muted" : "on-air";
  return isMuted ? "not-live" : "not-live-unmuted";
}
