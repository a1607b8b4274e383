// Fixtures: what a page knows about a space that is on air, and every view that a space can have.

import type { Facts } from "../situation.ts";
import type { SpaceView } from "../space-view.ts";

export const VIEW: SpaceView = {
  title: "Who speaks?",
  phase: "live",
  host: "Ada",
  hostPerson: undefined,
  people: [],
  hands: [],
  spoke: [],
  handsCount: 0,
  handsOpen: true,
  invites: [],
  air: "voice",
  holdReason: null,
  recording: "on",
  audience: 12_480,
  createdUtcMs: 0,
  liveUtcMs: 0,
  endedUtcMs: null,
  endReason: null,
};
export const FACTS: Facts = {
  view: VIEW,
  problem: undefined,
  isStale: false,
  isOnline: true,
  isListening: false,
  link: "idle",
  ear: "probing",
  waiting: undefined,
  delivery: "push",
  tier: "push",
  line: { count: 0, estimateMs: null },
  refusal: undefined,
  lagMs: 600,
  usualLagMs: 600,
  isUnanswered: false,
};
export function views(): SpaceView[] {
  const holds = [null, "nobody-on-stage", "silence", "stage-back"] as const;
  const on = holds.map((holdReason) => ({ ...VIEW, air: "hold" as const, holdReason }));
  return [
    VIEW,
    ...on,
    { ...VIEW, phase: "created" },
    { ...VIEW, phase: "ended" },
    { ...VIEW, phase: "ended", liveUtcMs: null },
    { ...VIEW, phase: "ended", endReason: "empty" },
    { ...VIEW, phase: "ended", endReason: "operator" },
  ];
}
