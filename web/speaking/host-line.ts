// Decides the host's line while the space is live: one message, true for every combination of facts. Pure; the
// sentences are in web/text.

import type { MicrophoneCondition } from "@hustings/speaker/browser/microphone.ts";
import type { SeatPhase } from "@hustings/speaker/browser/seat.ts";
import type { Air, RecordingStatus } from "@hustings/wire/log/state.ts";

export type HostMessage =
  | "connecting"
  | "reconnecting"
  | "unreachable"
  | "microphone-ended"
  | "microphone-interrupted"
  | "silent-microphone"
  | "muted"
  | "muted-on-hold"
  | "silence"
  | "on-air";

export interface HostFacts {
  readonly seat: SeatPhase;
  readonly isMuted: boolean;
  readonly microphone: MicrophoneCondition;
  /** An open microphone has brought no sound for a while. */
  readonly isMicrophoneSilent: boolean;
  /** The server does not answer this page, or has lost contact with the stage. */
  readonly isDoorAway: boolean;
  readonly air: Air;
  readonly recording: RecordingStatus;
}

export interface HostLine {
  readonly message: HostMessage;
  readonly isWell: boolean;
  /** Sound reaches listeners and is not stored, although it should be. */
  readonly isUnrecorded: boolean;
}

export function hostLineOf(facts: HostFacts): HostLine {
  const message = messageOf(facts);
  const isHealthy = message === "on-air" || message === "muted" || message === "muted-on-hold" || message === "silence";
  const isUnrecorded = isHealthy && facts.recording === "failed";
  return { message, isWell: isHealthy && !isUnrecorded, isUnrecorded };
}

/** The worst trouble comes first. */
function messageOf({ seat, isMuted, microphone, isMicrophoneSilent, isDoorAway, air }: HostFacts): HostMessage {
  if (seat.kind === "reconnecting" && isDoorAway) return "unreachable";
  if (seat.kind !== "seated") return seat.kind === "connecting" ? "connecting" : "reconnecting";
  if (microphone !== "working") return `microphone-${microphone}`;
  if (isDoorAway) return "unreachable";
  if (isMuted) return air === "hold" ? "muted-on-hold" : "muted";
  if (isMicrophoneSilent) return "silent-microphone";
  return air === "hold" ? "silence" : "on-air";
}
