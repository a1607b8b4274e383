// Decides the host's line while the space is live: one message, true for every combination of facts. Pure; the
// sentences are in web/text.

import type { MicrophoneCondition } from "@hustings/speaker/browser/microphone.ts";
import type { SeatPhase } from "@hustings/speaker/browser/seat.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
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

/** The slowest listeners are mentioned when they are this much farther behind than most. */
const MUCH_SLOWER_MS = 4_000;

/** Absent: nobody has measured it, or there is nothing to mention. */
export function shownLagOf(room: Pick<RoomDocument, "lagMs" | "slowLagMs"> | undefined): {
  readonly medianMs?: number;
  readonly slowestMs?: number;
} {
  const { lagMs = null, slowLagMs = null } = room ?? {};
  if (lagMs === null) return {};
  const isMuchSlower = slowLagMs !== null && slowLagMs - lagMs >= MUCH_SLOWER_MS;
  return { medianMs: lagMs, ...(isMuchSlower ? { slowestMs: slowLagMs } : {}) };
}
