// Owns what a speaker and a host are told: one sentence for each state of a seat, a microphone and a refusal. Pure.
// Refuses to draw.

import type { MicrophoneProblem } from "@hustings/speaker/browser/microphone.ts";
import type { SeatPhase } from "@hustings/speaker/browser/seat.ts";
import { ERROR_TABLE, type ErrorCode } from "@hustings/wire/errors.ts";
import type { SpaceView } from "../listening/space-view.ts";
import { aboutBehindOf, audienceOf, countOf } from "../text/times.ts";

export type BrowserKind = "chrome" | "safari-phone" | "safari" | "firefox" | "other";

const ALLOW: Readonly<Record<BrowserKind, string>> = {
  chrome: "Tap the symbol left of the address, open Permissions, allow the microphone, then try again.",
  "safari-phone": "Tap the symbol left of the address, open Website Settings, set Microphone to Allow, then try again.",
  safari: "Open Safari, Settings for this website, set Microphone to Allow, then try again.",
  firefox: "Click the microphone symbol left of the address, remove the block, then try again.",
  other: "Allow the microphone for this page in the browser's site settings, then try again.",
};

const MICROPHONE: Readonly<Record<MicrophoneProblem, (browser: BrowserKind) => string>> = {
  insecure: () => "This page has no microphone because it was not opened over HTTPS. Listening works all the same.",
  unsupported: () => "This browser cannot send sound. Open this link in a newer Chrome, Firefox, Edge or Safari.",
  refused: (browser) => `The browser keeps the microphone from this page. ${ALLOW[browser]}`,
  missing: () => "No microphone was found. Connect one, or choose it in the device's settings, then try again.",
  busy: () => "Another program holds the microphone. Close it there, then try again.",
};

export function microphoneSentence(problem: MicrophoneProblem, browser: BrowserKind): string {
  return MICROPHONE[problem](browser);
}

export function browserOf(userAgent: string): BrowserKind {
  if (/Firefox|FxiOS/.test(userAgent)) return "firefox";
  if (/iPhone|iPad/.test(userAgent)) return "safari-phone";
  if (/Chrome|Chromium|Edg/.test(userAgent)) return "chrome";
  return /Safari/.test(userAgent) ? "safari" : "other";
}

export interface SeatFacts {
  readonly seat: SeatPhase | undefined;
  readonly phase: SpaceView["phase"];
  readonly isMuted: boolean;
  readonly mutedBy: "self" | "host";
  readonly isHost: boolean;
}

/** The line beside the microphone; never empty. */
export function seatSentence({ seat, phase, isMuted, mutedBy, isHost }: SeatFacts): string {
  if (seat === undefined) return isHost ? "You are not on the stage." : "You still have your seat.";
  if (seat.kind === "connecting") return "Taking your seat.";
  if (seat.kind === "reconnecting") return "Your connection dropped. You are still on the stage; reconnecting.";
  if (seat.kind === "over") return OVER[seat.why] ?? ERROR_TABLE[seat.why as ErrorCode].what;
  if (isMuted && mutedBy === "host" && !isHost) return "The host muted you: no one hears you.";
  if (isMuted) return phase === "live" ? "Muted: no one hears you." : "No one can hear you yet.";
  return phase === "live" ? "You are on air." : "No one can hear you yet but those on the stage.";
}

const OVER: Partial<Record<(SeatPhase & { kind: "over" })["why"], string>> = {
  left: "You left the stage.",
  removed: "The host took you off the stage. You can go on listening, and ask the host to invite you anew.",
  ended: "The space has ended.",
  replaced: "You speak from another tab or device now.",
  "not-invited": "Your seat is no longer there. Ask to speak to come back.",
  "ticket-revoked": "The host link was replaced, and this one no longer opens the stage. Ask for the newest.",
  "ticket-invalid": "This host link is not one of this space. Ask for the newest.",
  "stage-full": "Every seat on the stage is taken. Wait until somebody leaves it.",
  "no-space": "There is no space at this address.",
  "bad-sdp": "This browser speaks in a way that the stage does not understand. Try a newer Chrome, Firefox or Safari.",
};

export type Trouble = "reconnecting" | "unreachable" | "silent-microphone" | "muted" | "hold" | "not-recording";

export interface HostFacts {
  readonly view: SpaceView;
  readonly seat: SeatPhase | undefined;
  readonly isMuted: boolean;
  /** The page asked the public door and it does not answer, or has lost the stage. */
  readonly isDoorAway: boolean;
  readonly isMicrophoneSilent: boolean;
  /** How far listeners usually are behind, as the door says; `undefined`: it does not. */
  readonly listenersLagMs: number | undefined;
}

export interface HostStatus {
  readonly text: string;
  readonly trouble: Trouble | undefined;
}

/** The line that always tells the truth: the worst trouble first, and when there is none, that all is well. */
export function hostLineOf({
  view,
  seat,
  isMuted,
  isDoorAway,
  isMicrophoneSilent,
  listenersLagMs,
}: HostFacts): HostStatus {
  if (seat?.kind === "reconnecting")
    return { text: "Your connection dropped. You are still on the stage; reconnecting.", trouble: "reconnecting" };
  if (isDoorAway)
    return {
      text: "The public door does not answer from here, so listeners may hear nothing.",
      trouble: "unreachable",
    };
  if (seat?.kind === "seated" && !isMuted && isMicrophoneSilent)
    return { text: "Nothing comes from your microphone.", trouble: "silent-microphone" };
  if (view.air === "hold")
    return { text: `Listeners hear music, because nobody speaks. ${audienceOf(view.audience)}.`, trouble: "hold" };
  if (view.recording === "failed")
    return { text: "You are heard, but not recorded: storage is full.", trouble: "not-recording" };
  return { text: allWell(view.audience, listenersLagMs), trouble: undefined };
}

function allWell(audience: number, lagMs: number | undefined): string {
  if (audience === 0) return "Nobody is listening just now · all well";
  const hear = `${countOf(audience)} ${audience === 1 ? "hears" : "hear"} you`;
  return [hear, ...(lagMs === undefined ? [] : [aboutBehindOf(lagMs)]), "all well"].join(" · ");
}
