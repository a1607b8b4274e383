// English texts between the link and the sound. They count towards the page's weight budget.

import type { StateWord } from "../../listening/look.ts";

const numbers = new Intl.NumberFormat("en");

export function count(value: number): string {
  return numbers.format(Math.max(0, Math.round(value)));
}

const plural = (value: number, unit: string): string => `${value} ${unit}${value === 1 ? "" : "s"}`;

export const after = (wait: string | undefined): string => (wait === undefined ? "" : `, ${wait}`);

/** `wait` and `behind` are phrases of `times`; `wait` is absent without an estimate. */
export interface MessageValues {
  readonly position: number;
  readonly queued: number;
  readonly wait: string | undefined;
  readonly behind: string;
}

export const page = {
  product: "Hustings",
  documentTitle: (title: string) => `${title} · Hustings`,
  count,
  audience: (listeners: number) =>
    listeners <= 0
      ? "Nobody is listening"
      : `${count(listeners)} ${listeners === 1 ? "person is" : "people are"} listening`,
  times: {
    live: "live",
    secondsBehind: (seconds: number) => `${numbers.format(seconds)} s behind`,
    minutesBehind: (minutes: number) => `${minutes} min behind`,
    underAMinute: "less than a minute",
    aboutMinutes: (minutes: number) => `about ${plural(minutes, "minute")}`,
    aboutHours: (hours: number) => `about ${hours} hours`,
    justNow: "just now",
    minutesAgo: (minutes: number) => `${plural(minutes, "minute")} ago`,
    hoursAgo: (hours: number) => `${plural(hours, "hour")} ago`,
    onDate: (utcMs: number) =>
      `on ${new Intl.DateTimeFormat("en", { day: "numeric", month: "long", year: "numeric" }).format(utcMs)}`,
  },
  began: (ago: string) => `began ${ago}`,
  withHost: { before: "with ", after: "" },
  /** The word beside the lamp. */
  states: {
    loading: "One moment",
    "no-space": "No space here",
    unreachable: "No answer",
    full: "Full house",
    queued: "In line",
    "full-house": "Full house",
    stale: "Stage out of reach",
    before: "Not started",
    "green-room": "Not started",
    "first-word": "About to begin",
    live: "On air",
    "host-away": "Host away",
    silence: "Quiet",
    "stage-back": "Stage coming back",
    ended: "Ended",
    unplayable: "No sound here",
    blocked: "Sound blocked",
    paused: "Paused",
    offline: "Offline",
    reconnecting: "Reconnecting",
    refused: "Disconnected",
    "address-full": "No place yet",
    connecting: "Connecting",
    unanswered: "Waiting",
    waiting: "Sound is late",
    skipped: "Live",
    "far-behind": "Behind",
    listening: "Live",
    removed: "Off the stage",
  } satisfies Readonly<Record<StateWord, string>>,
  recording: {
    on: "Being recorded",
    off: "Not being recorded",
    failed: "Not being recorded: the storage is full",
  },
  stage: {
    label: "On the stage",
    empty: "The stage is empty.",
    you: "You",
    host: "Host",
    cohost: "Co-host",
    away: "Away",
    muted: "Muted",
    manage: "Mute or remove",
  },
  bar: "Sound",
  listen: "Listen",
  stopListening: "Stop listening",
  leaveQueue: "Leave the line",
  handUpUnheard: "Your hand is up. Listen to learn when you are invited.",
  messages: {
    loading: "Opening the space.",
    "no-space": "There is no space at this address. Check the link, or see what is live.",
    unreachable: "The server does not answer. This page keeps trying.",
    full: "Every place is taken. Keep this page open: it lets you in when one is free.",
    stale: "The server has lost contact with the stage, so this page may be out of date. It keeps trying.",
    before: "Not started yet. Keep this page open, or press Listen to wait with music.",
    "first-word": "It is live. Waiting for the first word.",
    live: "Live now. Press Listen to hear it.",
    "host-away": "The host has stepped away. Music until they are back.",
    silence: "Nobody is speaking right now. Music until somebody does.",
    ended: "The space has ended. Thank you for listening.",
    unplayable: "This browser cannot play live sound. Open this link in a newer Chrome, Firefox, Edge or Safari.",
    blocked: "Your browser did not let the sound start. Press Listen once more.",
    offline: "You are offline. This page continues when the network is back.",
    connecting: "Connecting. Sound in a moment.",
    unanswered: "No answer yet: many people may be arriving. Keep this page open: it lets you in.",
    listening: "You are listening.",
  },
};
