// Owns in which situation a listener is, and the sentences for each: one table with no blanks. Pure. Refuses to draw,
// and to know what a speaker is told (speaking/seat-status.ts).

import type { Delivery } from "@hustings/listener/hls/push-or-pull.ts";
import type { EarState } from "@hustings/listener/playout/ear-states.ts";
import type { LinkState } from "@hustings/listener/session/link-states.ts";
import type { QueuePosition } from "@hustings/listener/session/session.ts";
import type { ErrorCode } from "@hustings/wire/errors.ts";
import type { QueueStatus, Tier } from "@hustings/wire/listen/room-document.ts";
import { behindOf, countOf, ordinalOf, waitOf } from "../text/times.ts";
import type { SpaceView } from "./space-view.ts";

export type Situation =
  | "loading"
  | "no-space"
  | "unreachable"
  | "full"
  | "in-line"
  | "full-house"
  | "stale"
  | "before"
  | "first-word"
  | "live"
  | "host-away"
  | "silence"
  | "stage-back"
  | "ended"
  | "unplayable"
  | "blocked"
  | "paused"
  | "offline"
  | "reconnecting"
  | "connecting"
  | "waiting"
  | "skipped"
  | "far-behind"
  | "listening";

export interface Facts {
  readonly view: SpaceView | undefined;
  /** Why the room document cannot be had, when it cannot. */
  readonly problem: ErrorCode | undefined;
  readonly isStale: boolean;
  readonly isOnline: boolean;
  readonly isListening: boolean;
  readonly link: LinkState;
  readonly ear: EarState;
  /** Their own place in the line for a seat in the audience. */
  readonly waiting: QueuePosition | undefined;
  /** How they are served. */
  readonly way: Delivery;
  /** How newcomers are served, as the door last said, and who waits. */
  readonly tier: Tier;
  readonly line: QueueStatus;
  /** Why the door closed the listener's last connection. */
  readonly refusal: ErrorCode | undefined;
  readonly lagMs: number;
  /** What the lag would be without trouble. */
  readonly usualLagMs: number;
}

/** Beyond what is usual. */
const FAR_BEHIND_MS = 8_000;

/** Total: every combination is in exactly one situation. What stops the person from hearing comes first. */
export function situationOf(facts: Facts): Situation {
  const { view, problem, refusal, isOnline } = facts;
  if (problem === "no-space" || refusal === "no-space") return "no-space";
  if (view?.phase === "ended") return "ended";
  if (facts.ear === "unplayable") return "unplayable";
  if (facts.isListening && facts.waiting && isOnline) return "in-line";
  if (facts.isListening && view) return hearing(facts, view);
  if (facts.ear === "blocked") return "blocked";
  if (!isOnline) return "offline";
  if (problem === "full" || problem === "too-many" || refusal === "full") return "full";
  if (!view) return problem === undefined ? "loading" : "unreachable";
  if (facts.isStale || problem !== undefined) return "stale";
  if (facts.ear === "paused") return "paused";
  return facts.tier === "waiting" && view.phase === "live" ? "full-house" : spaceSituation(view);
}

function hearing({ link, ear, refusal, isOnline, lagMs, usualLagMs }: Facts, view: SpaceView): Situation {
  if (link === "offline" || !isOnline) return "offline";
  if (link === "waiting-retry" && refusal === "full") return "full";
  if (link === "connecting" && ear === "starting") return "connecting";
  if ((link === "waiting-retry" || link === "connecting") && ear !== "playing") return "reconnecting";
  const space = spaceSituation(view);
  if (space !== "live") return space;
  if (ear === "starting") return "connecting";
  if (ear === "jumping") return "skipped";
  if (ear === "filling" || ear === "holding") return "waiting";
  return lagMs - usualLagMs > FAR_BEHIND_MS ? "far-behind" : "listening";
}

/** What is going on in the space, whoever listens. */
export function spaceSituation({ phase, air, holdReason, people }: SpaceView): Situation {
  if (phase === "created") return "before";
  if (phase === "ended") return "ended";
  if (air === "voice") return "live";
  if (holdReason === "stage-back") return "stage-back";
  if (holdReason === "nobody-on-stage") return "host-away";
  if (holdReason === undefined) return "first-word";
  return people.some(({ role, present }) => role === "host" && present) ? "silence" : "host-away";
}

const SENTENCES: Readonly<Record<Situation, (facts: Facts) => string>> = {
  loading: () => "Opening the space.",
  "no-space": () => "There is no space at this address. Check the link, or see what is live.",
  unreachable: () => "The server does not answer just now. This page tries again by itself.",
  full: () => "Every place is taken just now. Keep this page open: it lets you in by itself.",
  "in-line": ({ waiting }) => inLine(waiting?.position ?? 1, waiting?.estimateMs ?? null),
  "full-house": ({ line }) =>
    line.count === 0
      ? "Full house. Tap Listen to be the next in line: you are let in by yourself."
      : `Full house: ${countOf(line.count)} in line${aboutOf(line.estimateMs)}. Tap Listen to take your place.`,
  stale: () => "The server has lost sight of the stage, so this page may be out of date. It tries again by itself.",
  before: ({ isListening }) =>
    isListening
      ? "Not started yet. Music until it begins, then you hear the stage by itself."
      : "Not started yet. Keep this page open: it begins by itself.",
  "first-word": () => "It is live. Waiting for the first word.",
  live: () => "Live now. One tap and you hear it.",
  "host-away": () => "The host has stepped away. Music until they are back.",
  silence: () => "Nobody is speaking just now. Music until somebody does.",
  "stage-back": () => "The stage dropped out and is coming back. Music until it is here.",
  ended: ({ view }) =>
    view?.liveUtcMs === undefined
      ? "The space has ended before it went live. There is nothing to hear."
      : "The space has ended. Thank you for listening.",
  unplayable: () => "This browser cannot play live sound. Open this link in a newer Chrome, Firefox, Edge or Safari.",
  blocked: () => "Your browser did not let the sound start. Tap Listen once more.",
  paused: () => "Paused. Tap Listen to go on with what is said now.",
  offline: ({ isListening }) =>
    isListening
      ? "You are offline. Listening goes on by itself when the network is back."
      : "You are offline. This page goes on by itself when the network is back.",
  reconnecting: () => "Your connection dropped. Reconnecting by itself.",
  connecting: () => "Connecting. Sound in a moment.",
  waiting: () => "The sound is late. What is late will still be heard.",
  skipped: () => "You fell far behind, so some words were skipped.",
  "far-behind": ({ lagMs, way }) =>
    `You are ${behindOf(lagMs)}. ${way === "push" ? "Listening catches up gently." : "No word is lost."}`,
  listening: ({ way, tier }) => {
    if (way === "push") return "You are listening.";
    if (tier !== "pull") return "You are listening, some seconds later than others.";
    return "You are listening, some seconds later: every nearer place is taken. This page moves you up by itself.";
  },
};

function inLine(place: number, estimateMs: number | null): string {
  const where = place === 1 ? "you are next in line" : `you are ${ordinalOf(place)} in line`;
  return `Full house: ${where}${aboutOf(estimateMs)}. Music until then; this page lets you in by itself.`;
}

function aboutOf(estimateMs: number | null): string {
  return estimateMs === null ? "" : `, ${waitOf(estimateMs)}`;
}

/** What the person is told; never empty. */
export function sentenceOf(facts: Facts, situation = situationOf(facts)): string {
  return SENTENCES[situation](facts);
}

/** The page's title while nothing is known of the space. */
export function titleWithout(situation: Situation): string {
  if (situation === "full" || situation === "in-line") return "Full house";
  if (situation === "offline") return "You are offline";
  return situation === "unreachable" ? "Out of reach" : "One moment";
}

/** Whether a screen reader should be told of the situation as it comes: not each small lateness. */
export function isWorthSaying(situation: Situation): boolean {
  return situation !== "waiting" && situation !== "far-behind" && situation !== "loading";
}

/** The word beside the lamp. */
export function phaseWord(view: SpaceView): string {
  if (view.phase === "created") return "Not started";
  if (view.phase === "ended") return "Ended";
  return view.air === "voice" ? "Live" : "Live, on hold";
}

export const RECORDING_WORDS = {
  on: "Being recorded",
  off: "Not being recorded",
  failed: "Not being recorded: storage is full",
} as const;
