// The state machine of the listener's connection to an edge. SPEC.md §2 has the same table.

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

function linkRow(self: LinkState, moves: Partial<Record<LinkEvent, LinkState>>): Record<LinkEvent, LinkState> {
  const stay = Object.fromEntries(LINK_EVENTS.map((event) => [event, self])) as Record<LinkEvent, LinkState>;
  return { ...stay, ...moves };
}
