// Decides how a page shows its state: the lamp, the word beside it, and the light on the stage. Pure; the words are in
// web/text.

import type { SeatPhase } from "@hustings/speaker/browser/seat.ts";
import { type Facts, type Situation, situationOf, spaceSituation } from "./situation.ts";

/**
 * `on`: sound of now is arriving in this page, and only then. `ready`: the space is on air, and a tap lets it be heard.
 * `trouble`: something is broken. `waiting`: it is alive, with nothing to hear for now. `off`: there is nothing to hear.
 */
export type Lamp = "on" | "ready" | "waiting" | "trouble" | "off";

/** `dark`: what the page shows may be out of date, or is over. */
export type Light = "lit" | "dim" | "dark";

export type StateWord = Situation | "green-room" | "removed";

export interface Look {
  readonly lamp: Lamp;
  readonly light: Light;
  readonly word: StateWord;
}

/** A person's call to the stage; `undefined`: they have none. */
export type Seating = Exclude<SeatPhase["kind"], "over"> | "removed" | undefined;

const LOOKS: Readonly<Record<StateWord, readonly [Lamp, Light]>> = {
  loading: ["off", "dark"],
  "no-space": ["off", "dark"],
  unreachable: ["trouble", "dark"],
  full: ["waiting", "dim"],
  queued: ["waiting", "dim"],
  "full-house": ["waiting", "lit"],
  stale: ["trouble", "dark"],
  before: ["off", "dim"],
  "green-room": ["waiting", "dim"],
  "first-word": ["waiting", "dim"],
  live: ["ready", "lit"],
  "host-away": ["waiting", "dark"],
  silence: ["waiting", "dim"],
  "stage-back": ["trouble", "dim"],
  ended: ["off", "dark"],
  unplayable: ["trouble", "dim"],
  blocked: ["ready", "dim"],
  paused: ["ready", "dim"],
  offline: ["trouble", "dark"],
  reconnecting: ["trouble", "dim"],
  refused: ["trouble", "dark"],
  "address-full": ["trouble", "dim"],
  connecting: ["waiting", "dim"],
  unanswered: ["waiting", "dim"],
  waiting: ["waiting", "dim"],
  skipped: ["on", "lit"],
  "far-behind": ["waiting", "lit"],
  listening: ["on", "lit"],
  removed: ["waiting", "dim"],
};

/** `situation` must be that of `facts`. */
export function lookOf(facts: Facts, seating?: Seating, situation: Situation = situationOf(facts)): Look {
  const word = seating === undefined ? listenerWord(facts, situation) : seatWord(facts, seating, situation);
  const [lamp, light] = LOOKS[word];
  const hearsOn = word === "removed" && listenerWord(facts, situation) === "listening";
  return { word, lamp: hearsOn ? "on" : lamp, light };
}

/** While a lost connection is replaced, sound of before is heard for a moment. */
function listenerWord({ link }: Facts, situation: Situation): StateWord {
  const isSoundOfNow = situation === "listening" || situation === "skipped";
  return isSoundOfNow && link !== "following" && link !== "ended" ? "reconnecting" : situation;
}

function seatWord(facts: Facts, seating: NonNullable<Seating>, situation: Situation): StateWord {
  const { view, isOnline, problem } = facts;
  if (view === undefined || view.phase === "ended" || situation === "no-space") return situation;
  if (seating === "removed") return hasOwnTrouble(situation) ? situation : "removed";
  if (!isOnline) return "offline";
  if (seating === "connecting") return "connecting";
  if (seating === "reconnecting") return problem === undefined ? "reconnecting" : "unreachable";
  if (view.phase === "created") return "green-room";
  const space = spaceSituation(view);
  return space === "live" ? "listening" : space;
}

function hasOwnTrouble(situation: Situation): boolean {
  return LOOKS[situation][0] === "trouble";
}
