// The state machine of the ear: what the person hears. SPEC.md §4 has the same table.

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

function earRow(self: EarState, moves: Partial<Record<EarEvent, EarState>>): Record<EarEvent, EarState> {
  const stay = Object.fromEntries(EAR_EVENTS.map((event) => [event, self])) as Record<EarEvent, EarState>;
  return { ...stay, ...moves };
}
