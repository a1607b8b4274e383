// Decides what the host's line reports: the worst trouble, or that all is well. Pure; the sentences are in web/text.

import type { SeatPhase } from "@hustings/speaker/browser/seat.ts";
import type { SpaceView } from "../listening/space-view.ts";

export type HostStatus = "reconnecting" | "unreachable" | "silent-microphone" | "hold" | "not-recording" | "well";

export interface HostFacts {
  readonly view: Pick<SpaceView, "air" | "recording">;
  readonly seat: SeatPhase | undefined;
  readonly isMuted: boolean;
  /** The server does not answer this page, or has lost contact with the stage. */
  readonly isDoorAway: boolean;
  readonly isMicrophoneSilent: boolean;
}

export function hostStatusOf({ view, seat, isMuted, isDoorAway, isMicrophoneSilent }: HostFacts): HostStatus {
  if (seat?.kind === "reconnecting") return "reconnecting";
  if (isDoorAway) return "unreachable";
  if (seat?.kind === "seated" && !isMuted && isMicrophoneSilent) return "silent-microphone";
  if (view.air === "hold") return "hold";
  return view.recording === "failed" ? "not-recording" : "well";
}
