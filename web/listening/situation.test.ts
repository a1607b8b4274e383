import assert from "node:assert/strict";
import { test } from "node:test";
import { EAR_STATES } from "@hustings/listener/playout/ear-states.ts";
import { LINK_STATES } from "@hustings/listener/session/link-states.ts";
import type { MicrophoneProblem } from "@hustings/speaker/browser/microphone.ts";
import type { SeatPhase } from "@hustings/speaker/browser/seat.ts";
import { ERROR_TABLE, type ErrorCode } from "@hustings/wire/errors.ts";
import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import { EMPTY_STATE } from "@hustings/wire/log/state.ts";
import { initialsOf, tintOf } from "../elements/portraits.ts";
import { browserOf, hostLineOf, microphoneSentence, seatSentence } from "../speaking/seat-status.ts";
import { agoOf, audienceOf, behindOf, ordinalOf } from "../text/times.ts";
import { type Facts, phaseWord, sentenceOf, situationOf } from "./situation.ts";
import { type SpaceView, viewOf } from "./space-view.ts";

const VIEW: SpaceView = {
  title: "Who speaks?",
  phase: "live",
  host: "Ada",
  people: [],
  hands: [],
  handsCount: 0,
  invites: [],
  air: "voice",
  holdReason: undefined,
  recording: "on",
  audience: 12_480,
  liveUtcMs: 0,
};
const FACTS: Facts = {
  view: VIEW,
  problem: undefined,
  isStale: false,
  isOnline: true,
  isListening: false,
  link: "idle",
  ear: "probing",
  waiting: undefined,
  way: "push",
  tier: "push",
  line: { count: 0, estimateMs: null },
  refusal: undefined,
  lagMs: 600,
  usualLagMs: 600,
};
const SPEAKER = { seat: 0, name: "Ada", role: "speaker", muted: false, present: true } as const;
const ROOM: RoomDocument = {
  id: "0000000000" as SpaceId,
  title: "room",
  phase: "live",
  host: "Ada",
  speakers: [SPEAKER, SPEAKER],
  handsCount: 0,
  air: "voice",
  holdReason: null,
  recording: "on",
  audience: 1,
  createdUtcMs: 0,
  liveUtcMs: 0,
  tier: "push",
  pull: null,
  lagMs: null,
  line: { count: 0, estimateMs: null },
  again: { afterMs: 4_000, spreadMs: 2_000 },
  listen: "/listen/0000000000",
  stage: { path: "/stage/0000000000", port: 8444 },
  asOfUtcMs: 0,
  stale: false,
};
const SEAT = { person: "p00000000000" as PersonId, name: "Ada", role: "host", muted: false, mutedBy: "self" } as const;

test("every state that a listener can be in has a plain sentence", () => {
  const codes = [undefined, ...Object.keys(ERROR_TABLE)] as (ErrorCode | undefined)[];
  let count = 0;
  for (const view of [undefined, ...views()])
    for (const link of LINK_STATES)
      for (const ear of EAR_STATES)
        for (const isListening of [false, true])
          for (const isOnline of [false, true])
            for (const refusal of codes) {
              const facts = { ...FACTS, view, link, ear, isListening, isOnline, refusal, problem: refusal };
              assert.match(sentenceOf(facts), /^[A-Z][^<>{}]+\.$/, JSON.stringify(facts));
              count += 1;
            }
  assert.ok(count > 50_000);
});

function views(): SpaceView[] {
  const holds = [undefined, "nobody-on-stage", "silence", "stage-back"] as const;
  const on = holds.map((holdReason) => ({ ...VIEW, air: "hold" as const, holdReason }));
  return [
    VIEW,
    ...on,
    { ...VIEW, phase: "created" },
    { ...VIEW, phase: "ended" },
    { ...VIEW, phase: "ended", liveUtcMs: undefined },
  ];
}

test("what keeps a listener from listening is told before what goes on in the space", () => {
  const held = { ...VIEW, air: "hold", holdReason: "nobody-on-stage" } as const;
  const on = { ...FACTS, isListening: true, link: "following", ear: "playing" } as const;
  assert.equal(situationOf(on), "listening");
  assert.equal(situationOf({ ...on, view: held }), "host-away");
  assert.equal(situationOf({ ...on, view: held, isOnline: false }), "offline");
  assert.equal(situationOf({ ...on, view: held, ear: "low", link: "waiting-retry" }), "reconnecting");
  assert.equal(situationOf({ ...on, ear: "filling", link: "connecting" }), "reconnecting");
  for (const link of ["waiting-retry", "connecting"] as const)
    assert.equal(situationOf({ ...on, link }), "listening", "enough is ahead: there is nothing to hear of it");
  assert.equal(situationOf({ ...on, link: "waiting-retry", refusal: "full" }), "full");
  assert.equal(situationOf({ ...on, ear: "jumping" }), "skipped");
  assert.equal(situationOf({ ...on, lagMs: 20_000 }), "far-behind");
  assert.equal(situationOf({ ...on, lagMs: 12_500, usualLagMs: 12_000 }), "listening", "pushes come 8 s apart");
  assert.equal(situationOf({ ...FACTS, ear: "unplayable" }), "unplayable");
  assert.equal(situationOf({ ...FACTS, ear: "blocked" }), "blocked");
  assert.equal(situationOf({ ...FACTS, view: undefined, problem: "stage-away" }), "unreachable");
  assert.equal(situationOf({ ...FACTS, isStale: true }), "stale");
});

test("who waits for a place is told which and how long, and who has not tapped yet that there is a line", () => {
  const told = (waiting: Facts["waiting"]) =>
    sentenceOf({ ...FACTS, isListening: true, link: "connecting", ear: "holding", waiting });
  const more = "Music until then; this page lets you in by itself.";
  assert.equal(
    told({ position: 2_140, estimateMs: 170_000 }),
    `Full house: you are 2,140th in line, about 3 minutes. ${more}`,
  );
  assert.equal(told({ position: 1, estimateMs: 900 }), `Full house: you are next in line, less than a minute. ${more}`);
  assert.equal(told({ position: 22, estimateMs: null }), `Full house: you are 22nd in line. ${more}`);
  const before = { ...FACTS, tier: "waiting", line: { count: 311, estimateMs: 7_200_000 } } as const;
  assert.equal(sentenceOf(before), "Full house: 311 in line, about 2 hours. Tap Listen to take your place.");
  assert.equal(situationOf({ ...before, tier: "pull" }), "live");
  for (const [count, ordinal] of [
    [3, "3rd"],
    [11, "11th"],
    [112, "112th"],
    [1_021, "1,021st"],
  ] as const)
    assert.equal(ordinalOf(count), ordinal);
});

test("who is served by pull is told that it is later and why, and never that they catch up", () => {
  const pulls = { ...FACTS, isListening: true, link: "following", ear: "playing", way: "pull" } as const;
  assert.match(sentenceOf({ ...pulls, tier: "pull" }), /some seconds later: every nearer place is taken/);
  assert.equal(sentenceOf(pulls), "You are listening, some seconds later than others.");
  assert.equal(sentenceOf({ ...pulls, lagMs: 25_000 }), "You are 25 s behind. No word is lost.");
  assert.equal(sentenceOf({ ...pulls, way: "push" }), "You are listening.");
});

test("a host who is away is told from a stage where nobody speaks", () => {
  const away = { ...VIEW, air: "hold", holdReason: "silence" } as const;
  const there = { ...away, people: [{ ...SEAT, key: "Ada#1", seat: 0, present: true }] };
  assert.equal(situationOf({ ...FACTS, view: away }), "host-away");
  assert.equal(situationOf({ ...FACTS, view: there }), "silence");
  assert.equal(phaseWord(away), "Live, on hold");
});

test("a speaker is told the truth in every state of a seat", () => {
  const whys = ["left", "removed", "ended", "replaced", ...(Object.keys(ERROR_TABLE) as ErrorCode[])] as const;
  const seats: (SeatPhase | undefined)[] = [
    undefined,
    { kind: "connecting" },
    { kind: "seated" },
    { kind: "reconnecting", sinceMs: 0 },
    ...whys.map((why) => ({ kind: "over", why }) as const),
  ];
  for (const seat of seats)
    for (const phase of ["created", "live", "ended"] as const)
      for (const isMuted of [false, true])
        for (const isHost of [false, true])
          assert.match(seatSentence({ seat, phase, isMuted, mutedBy: "host", isHost }), /^[A-Z].+\.$/);
  const seated = { seat: { kind: "seated" }, phase: "live", mutedBy: "self", isHost: true } as const;
  assert.equal(seatSentence({ ...seated, isMuted: false }), "You are on air.");
  assert.equal(seatSentence({ ...seated, isMuted: true }), "Muted: no one hears you.");
});

test("every reason for having no microphone says what to do in this browser", () => {
  const agents = ["iPhone Safari", "Chrome Safari", "Safari", "Firefox", "something"];
  for (const problem of ["insecure", "unsupported", "refused", "missing", "busy"] as MicrophoneProblem[])
    for (const agent of agents) assert.match(microphoneSentence(problem, browserOf(agent)), /\.$/);
  assert.match(microphoneSentence("insecure", "chrome"), /HTTPS/);
  assert.notEqual(microphoneSentence("refused", "firefox"), microphoneSentence("refused", "safari-phone"));
});

test("the host's line says that all is well only when it is", () => {
  const well = {
    view: VIEW,
    seat: { kind: "seated" },
    isMuted: false,
    isDoorAway: false,
    isMicrophoneSilent: false,
    listenersLagMs: 840,
  } as const;
  assert.equal(hostLineOf(well).text, "12,480 hear you · 0.8 s behind · all well");
  assert.equal(hostLineOf({ ...well, listenersLagMs: undefined }).text, "12,480 hear you · all well");
  assert.equal(hostLineOf({ ...well, listenersLagMs: 12_120 }).text, "12,480 hear you · 12 s behind · all well");
  assert.equal(hostLineOf({ ...well, isDoorAway: true }).trouble, "unreachable");
  assert.equal(hostLineOf({ ...well, isMicrophoneSilent: true }).trouble, "silent-microphone");
  assert.equal(hostLineOf({ ...well, view: { ...VIEW, air: "hold" } }).trouble, "hold");
  assert.equal(hostLineOf({ ...well, view: { ...VIEW, recording: "failed" } }).trouble, "not-recording");
  assert.equal(hostLineOf({ ...well, seat: { kind: "reconnecting", sinceMs: 0 } }).trouble, "reconnecting");
});

test("times and counts are said as people say them", () => {
  assert.equal(behindOf(600), "live");
  assert.equal(behindOf(4_200), "4 s behind");
  assert.equal(behindOf(200_000), "3 min behind");
  assert.equal(behindOf(Number.NaN), "live");
  assert.equal(agoOf(0, 59_000), "just now");
  assert.equal(agoOf(0, 61_000), "1 minute ago");
  assert.equal(agoOf(0, 7_300_000), "2 hours ago");
  assert.equal(audienceOf(0), "Nobody is listening");
  assert.equal(audienceOf(1), "1 person is listening");
  assert.equal(audienceOf(12_480), "12,480 people are listening");
});

test("initials stand for names of any script, and a name keeps its tint", () => {
  assert.equal(initialsOf("Ada King Lovelace"), "AL");
  assert.equal(initialsOf("zoë"), "Z");
  assert.equal(initialsOf("بهاء طاهر"), "ب");
  assert.equal(initialsOf("🦊 Fox"), "🦊");
  assert.equal(initialsOf("👩‍🚀 Mae"), "👩‍🚀");
  assert.equal(initialsOf("(?)"), "");
  assert.equal(tintOf("Ada"), tintOf("Ada"));
});

test("the best source wins: the stage while seated, then the ear once it knows, then the room document", () => {
  const named = (title: string, seq = 1) => ({ state: { ...EMPTY_STATE, title, seq }, audience: 1 });
  const room = { ...ROOM, title: "room" };
  assert.equal(viewOf({ stage: undefined, ear: undefined, room: undefined }), undefined);
  assert.equal(viewOf({ stage: named("stage"), ear: named("ear"), room })?.title, "stage");
  assert.equal(viewOf({ stage: undefined, ear: named("ear"), room })?.title, "ear");
  assert.equal(viewOf({ stage: undefined, ear: named("", 0), room })?.title, "room");
  assert.equal(viewOf({ stage: undefined, ear: undefined, room })?.people[1]?.key, "Ada#2");
});
