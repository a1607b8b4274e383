// Owns the two state machines of a listener as tables with no blanks: the link (a connection to an edge) and the ear
// (what a person hears), and what a person is told. Refuses to know sockets, clocks and players. SPEC.md is the text.

export const LINK_STATES = [
  "idle",
  "connecting",
  "first-flight",
  "following",
  "waiting-retry",
  "offline",
  "ended",
  "refused",
] as const;
export type LinkState = (typeof LINK_STATES)[number];

export const LINK_EVENTS = [
  "start",
  "snapshot",
  "sound",
  "lost",
  "final",
  "over",
  "retry-due",
  "network-lost",
  "network-back",
  "stop",
] as const;
export type LinkEvent = (typeof LINK_EVENTS)[number];

/** SPEC.md §2. A state that an event does not move is written out: there are no blanks. */
export const LINK_TABLE: Readonly<Record<LinkState, Readonly<Record<LinkEvent, LinkState>>>> = {
  idle: linkRow("idle", { start: "connecting" }),
  connecting: linkRow("connecting", {
    snapshot: "first-flight",
    lost: "waiting-retry",
    final: "refused",
    over: "ended",
    "network-lost": "offline",
    stop: "idle",
  }),
  "first-flight": linkRow("first-flight", {
    sound: "following",
    lost: "waiting-retry",
    final: "refused",
    over: "ended",
    "network-lost": "offline",
    stop: "idle",
  }),
  following: linkRow("following", {
    lost: "waiting-retry",
    final: "refused",
    over: "ended",
    "network-lost": "offline",
    stop: "idle",
  }),
  "waiting-retry": linkRow("waiting-retry", {
    start: "connecting",
    final: "refused",
    "retry-due": "connecting",
    "network-lost": "offline",
    "network-back": "connecting",
    stop: "idle",
  }),
  offline: linkRow("offline", {
    start: "connecting",
    final: "refused",
    "retry-due": "connecting",
    "network-back": "connecting",
    stop: "idle",
  }),
  ended: linkRow("ended", { stop: "idle" }),
  refused: linkRow("refused", { start: "connecting", stop: "idle" }),
};

export const EAR_STATES = [
  "idle",
  "probing",
  "starting",
  "playing",
  "low",
  "filling",
  "holding",
  "jumping",
  "paused",
  "blocked",
  "finished",
  "unplayable",
] as const;
export type EarState = (typeof EAR_STATES)[number];

export const EAR_EVENTS = [
  "prepare",
  "tap",
  "no-codec",
  "rejected",
  "voice",
  "thin",
  "filler",
  "hold",
  "jump",
  "pause",
  "end",
  "stop",
] as const;
export type EarEvent = (typeof EAR_EVENTS)[number];

const HEARING = {
  "no-codec": "unplayable",
  rejected: "blocked",
  voice: "playing",
  thin: "low",
  filler: "filling",
  hold: "holding",
  jump: "jumping",
  pause: "paused",
  end: "finished",
  stop: "idle",
} as const;

/** SPEC.md §4. */
export const EAR_TABLE: Readonly<Record<EarState, Readonly<Record<EarEvent, EarState>>>> = {
  idle: earRow("idle", { prepare: "probing", tap: "starting", "no-codec": "unplayable" }),
  probing: earRow("probing", { tap: "starting", "no-codec": "unplayable", stop: "idle" }),
  starting: earRow("starting", { ...HEARING, thin: "starting", filler: "starting", jump: "starting" }),
  playing: earRow("playing", HEARING),
  low: earRow("low", HEARING),
  filling: earRow("filling", { ...HEARING, thin: "filling" }),
  holding: earRow("holding", { ...HEARING, thin: "holding", filler: "holding" }),
  jumping: earRow("jumping", { ...HEARING, thin: "jumping" }),
  paused: earRow("paused", { tap: "starting", end: "finished", stop: "idle" }),
  blocked: earRow("blocked", { tap: "starting", end: "finished", stop: "idle" }),
  finished: earRow("finished", { stop: "idle" }),
  unplayable: earRow("unplayable", { tap: "starting", stop: "idle" }),
};

/** A sentence for a person, for each pair of states; SPEC.md §5. Empty: nothing needs saying. */
export function whatToTell(link: LinkState, ear: EarState): string {
  if (ear === "unplayable") return "This browser cannot play the sound. Another browser on this device may.";
  if (link === "refused") return "This space cannot be opened.";
  if (ear === "finished") return "The space has ended.";
  if (ear === "blocked") return "Tap to listen.";
  if (ear === "paused") return "Paused.";
  if (ear === "idle" || ear === "probing") return link === "ended" ? "The space has ended." : "";
  if (link === "offline") return "You are offline. Listening goes on when the network is back.";
  const isAgain = link === "waiting-retry" || (link === "connecting" && ear !== "starting");
  if (isAgain && ear !== "playing") return "Reconnecting…";
  if (ear === "starting") return "Connecting…";
  if (ear === "jumping") return "You fell behind; some words were skipped.";
  if (ear === "filling") return "Waiting for sound; what is late will be heard.";
  return "";
}

function linkRow(self: LinkState, moves: Partial<Record<LinkEvent, LinkState>>): Record<LinkEvent, LinkState> {
  const stay = Object.fromEntries(LINK_EVENTS.map((event) => [event, self])) as Record<LinkEvent, LinkState>;
  return { ...stay, ...moves };
}

function earRow(self: EarState, moves: Partial<Record<EarEvent, EarState>>): Record<EarEvent, EarState> {
  const stay = Object.fromEntries(EAR_EVENTS.map((event) => [event, self])) as Record<EarEvent, EarState>;
  return { ...stay, ...moves };
}
