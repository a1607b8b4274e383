// English texts between the link and the sound. They count towards the page's weight budget.

const numbers = new Intl.NumberFormat("en");

function count(value: number): string {
  return numbers.format(Math.max(0, Math.round(value)));
}

function ordinal(value: number): string {
  const [tens, ones] = [value % 100, value % 10];
  const ending = tens >= 11 && tens <= 13 ? "th" : (["th", "st", "nd", "rd"][ones] ?? "th");
  return `${count(value)}${ending}`;
}

const plural = (value: number, unit: string): string => `${value} ${unit}${value === 1 ? "" : "s"}`;

const after = (wait: string | undefined): string => (wait === undefined ? "" : `, ${wait}`);

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
  phases: {
    created: "Not started",
    ended: "Ended",
    voice: "Live",
    hold: "Live, on hold",
  },
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
  jumpToLive: "Jump to live",
  listen: "Listen",
  stopListening: "Stop listening",
  leaveQueue: "Leave the line",
  positionInQueue: (position: number) => `${ordinal(position)} in line`,
  listeners: (listeners: number) => `${count(listeners)} listening`,
  hearNothing: "Hear nothing?",
  soundHelp:
    "Turn the volume up and the silent switch off. Check which loudspeaker or headset this device plays to, and that this tab is not muted. If it stays silent, stop listening and start again.",
  handUpUnheard: "Your hand is up. Listen to learn when you are invited.",
  titles: {
    loading: "One moment",
    full: "Full house",
    offline: "You are offline",
    unreachable: "No answer",
  },
  messages: {
    loading: "Opening the space.",
    "no-space": "There is no space at this address. Check the link, or see what is live.",
    unreachable: "The server does not answer. This page keeps trying.",
    full: "Every place is taken. Keep this page open: it lets you in when one is free.",
    "next-in-queue": ({ wait }: MessageValues) =>
      `Full house: you are next in line${after(wait)}. Music until then; this page lets you in automatically.`,
    queued: ({ position, wait }: MessageValues) =>
      `Full house: you are ${ordinal(position)} in line${after(wait)}. Music until then; this page lets you in automatically.`,
    "full-house": ({ queued, wait }: MessageValues) =>
      `Full house: ${count(queued)} in line${after(wait)}. Tap Listen to join the line.`,
    "full-house-no-queue": "Full house. Tap Listen to be next in line.",
    stale: "The server has lost contact with the stage, so this page may be out of date. It keeps trying.",
    before: "Not started yet. Keep this page open, or tap Listen to wait with music.",
    "before-listening": "Not started yet. Music until it begins, then you hear the stage.",
    "first-word": "It is live. Waiting for the first word.",
    live: "Live now. Tap Listen to hear it.",
    "host-away": "The host has stepped away. Music until they are back.",
    silence: "Nobody is speaking right now. Music until somebody does.",
    "stage-back": "The stage dropped out and is coming back. Music until it does.",
    ended: "The space has ended. Thank you for listening.",
    "ended-empty": "The space ended because nobody was on its stage any more. Thank you for listening.",
    "ended-operator": "The people who run this server ended the space.",
    "ended-unheard": "The space ended before it went live. There is nothing to hear.",
    unplayable: "This browser cannot play live sound. Open this link in a newer Chrome, Firefox, Edge or Safari.",
    blocked: "Your browser did not let the sound start. Tap Listen once more.",
    paused: "Paused. Tap Listen to hear what is being said now.",
    offline: "You are offline. This page continues when the network is back.",
    "offline-listening": "You are offline. Listening continues when the network is back.",
    reconnecting: "Your connection dropped. Reconnecting.",
    connecting: "Connecting. Sound in a moment.",
    waiting: "The sound is late. You will still hear all of it.",
    skipped: "What you missed was skipped. You hear what is said now.",
    "far-behind": ({ behind }: MessageValues) => `You are ${behind}. Playback catches up gradually.`,
    "far-behind-pull": ({ behind }: MessageValues) => `You are ${behind}. No word is lost.`,
    listening: "You are listening.",
    "listening-pull": "You are listening, some seconds later than others.",
    "listening-pull-full":
      "You are listening, some seconds later than others: the faster places are taken. This page moves you up when one is free.",
  },
};
