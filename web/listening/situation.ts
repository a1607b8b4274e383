// Decides which situation a listener is in, and which message says so. Pure; the sentences are in web/text.

import type { Delivery } from "@hustings/listener/hls/push-or-pull.ts";
import type { EarState } from "@hustings/listener/playout/ear-states.ts";
import type { LinkState } from "@hustings/listener/session/link-states.ts";
import type { QueuePosition } from "@hustings/listener/session/session.ts";
import type { ErrorCode } from "@hustings/wire/errors.ts";
import type { QueueStatus, Tier } from "@hustings/wire/listen/room-document.ts";
import type { SpaceView } from "./space-view.ts";

export type Situation =
  | "loading"
  | "no-space"
  | "unreachable"
  | "full"
  | "queued"
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
  | "refused"
  | "address-full"
  | "connecting"
  | "unanswered"
  | "waiting"
  | "skipped"
  | "far-behind"
  | "listening";

export interface Facts {
  readonly view: SpaceView | undefined;
  /** `undefined`: the last request succeeded. */
  readonly problem: ErrorCode | undefined;
  readonly isStale: boolean;
  readonly isOnline: boolean;
  readonly isListening: boolean;
  readonly link: LinkState;
  readonly ear: EarState;
  readonly waiting: QueuePosition | undefined;
  readonly delivery: Delivery;
  readonly tier: Tier;
  readonly line: QueueStatus;
  readonly refusal: ErrorCode | undefined;
  readonly lagMs: number;
  readonly usualLagMs: number;
  /** Nothing has come from the server for seconds, since the first tap. */
  readonly isUnanswered: boolean;
}

/** Lag beyond the usual one. */
const FAR_BEHIND_MS = 8_000;

/** Every combination of facts has exactly one situation. Reasons for silence come first. */
export function situationOf(facts: Facts): Situation {
  const { view, problem, refusal, isOnline } = facts;
  if (problem === "no-space" || refusal === "no-space") return "no-space";
  if (view?.phase === "ended") return "ended";
  if (facts.ear === "unplayable") return "unplayable";
  if (facts.isListening && facts.waiting && isOnline) return "queued";
  if (facts.isListening && view) return listeningSituation(facts, view);
  if (facts.ear === "blocked") return "blocked";
  if (!isOnline) return "offline";
  if (problem === "full" || problem === "too-many" || refusal === "full") return "full";
  if (problem !== undefined) return "unreachable";
  if (!view) return "loading";
  if (facts.isStale) return "stale";
  if (facts.ear === "paused") return "paused";
  return facts.tier === "waiting" && view.phase === "live" ? "full-house" : spaceSituation(view);
}

function listeningSituation(facts: Facts, view: SpaceView): Situation {
  const { link, ear, isOnline, lagMs, usualLagMs } = facts;
  if (link === "offline" || !isOnline) return "offline";
  if (link === "refused") return "refused";
  if ((link === "waiting-retry" || link === "connecting") && ear !== "playing") return lostSituation(facts);
  const space = spaceSituation(view);
  if (space !== "live") return space;
  if (ear === "jumping") return "skipped";
  if (ear === "filling" || ear === "holding") return facts.isStale ? "stale" : "waiting";
  if (ear !== "playing" && ear !== "low") return ear === "blocked" || ear === "paused" ? ear : "connecting";
  return lagMs - usualLagMs > FAR_BEHIND_MS ? "far-behind" : "listening";
}

/** There is no connection, and no sound is left of the one before. */
function lostSituation({ link, ear, refusal, problem, isUnanswered }: Facts): Situation {
  if (link === "waiting-retry" && refusal === "full") return "full";
  if (refusal === "address-full" || refusal === "too-many") return "address-full";
  if (problem !== undefined) return "unreachable";
  if (ear !== "starting") return "reconnecting";
  return isUnanswered ? "unanswered" : "connecting";
}

/** The situation of the space itself, independent of what this page hears. */
export function spaceSituation({ phase, air, holdReason, people }: SpaceView): Situation {
  if (phase === "created") return "before";
  if (phase === "ended") return "ended";
  if (air === "voice") return "live";
  if (holdReason === "stage-back") return "stage-back";
  if (holdReason === "nobody-on-stage") return "host-away";
  if (holdReason === null) return "first-word";
  return people.some(({ role, present }) => role === "host" && present) ? "silence" : "host-away";
}

export type Message =
  | Situation
  | "next-in-queue"
  | "full-house-no-queue"
  | "before-listening"
  | "ended-unheard"
  | "ended-empty"
  | "ended-operator"
  | "offline-listening"
  | "stale-listening"
  | "unreachable-listening"
  | "far-behind-pull"
  | "listening-pull"
  | "listening-pull-full";

/** Some situations have a second message, for a fact that changes what happens next. */
export function messageOf(facts: Facts, situation: Situation): Message {
  const { isListening, delivery } = facts;
  if (situation === "queued") return facts.waiting?.position === 1 ? "next-in-queue" : "queued";
  if (situation === "full-house") return facts.line.count === 0 ? "full-house-no-queue" : "full-house";
  if (situation === "before") return isListening ? "before-listening" : "before";
  if (situation === "ended") return endedMessageOf(facts);
  if (situation === "offline" || situation === "stale" || situation === "unreachable")
    return isListening ? `${situation}-listening` : situation;
  if (situation === "far-behind") return delivery === "push" ? "far-behind" : "far-behind-pull";
  if (situation !== "listening" || delivery === "push") return situation;
  return facts.tier === "pull" ? "listening-pull-full" : "listening-pull";
}

function endedMessageOf({ view }: Facts): Message {
  if (view === undefined || view.liveUtcMs === null) return "ended-unheard";
  return view.endReason === "empty" || view.endReason === "operator" ? `ended-${view.endReason}` : "ended";
}

/** Whether a screen reader announces the situation when it begins. */
export function isAnnounced(situation: Situation): boolean {
  return situation !== "waiting" && situation !== "far-behind" && situation !== "loading";
}
