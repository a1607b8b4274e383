import assert from "node:assert/strict";
import { test } from "node:test";
import { EAR_STATES } from "@hustings/listener/playout/ear-states.ts";
import { LINK_STATES } from "@hustings/listener/session/link-states.ts";
import { english } from "../text/testing/english.ts";
import { type Look, lookOf, type Seating } from "./look.ts";
import { type Facts, situationOf } from "./situation.ts";
import type { SpaceView } from "./space-view.ts";
import { FACTS, VIEW, views } from "./testing/facts.ts";

const SEATINGS = [undefined, "connecting", "seated", "reconnecting", "removed"] as const;
const LIVE = english.page.states.listening;
const QUEUE = { position: 3, estimateMs: null };
const LISTENING = { ...FACTS, isListening: true, link: "following", ear: "playing" } as const;

/** Every combination of facts that a page can be in. */
function* combinations(): Generator<readonly [Facts, Seating]> {
  for (const view of [undefined, ...views()])
    for (const link of LINK_STATES)
      for (const ear of EAR_STATES)
        for (const isListening of [false, true])
          for (const isOnline of [false, true])
            for (const problem of [undefined, "stage-away", "full", "no-space"] as const)
              for (const isStale of [false, true])
                for (const lagMs of [600, 20_000])
                  for (const waiting of [undefined, QUEUE])
                    for (const seating of SEATINGS)
                      yield [
                        { ...FACTS, view, link, ear, isListening, isOnline, problem, isStale, lagMs, waiting },
                        seating,
                      ];
}

test("the lamp is on, with the word Live, when sound of now is arriving in this page, and never otherwise", () => {
  let onCount = 0;
  for (const [facts, seating] of combinations()) {
    const { lamp, word, light } = lookOf(facts, seating);
    const where = JSON.stringify([facts, seating, lamp, word]);
    assert.equal(lamp === "on", isSoundOfNowArriving(facts, seating), where);
    if (word !== "removed") assert.equal(english.page.states[word] === LIVE, lamp === "on", where);
    assert.match(english.page.states[word], /^[A-Z]/, where);
    if (light === "lit") assert.ok(facts.view?.phase === "live" && facts.view.air === "voice", where);
    onCount += lamp === "on" ? 1 : 0;
  }
  assert.ok(onCount > 100);
});

function isSoundOfNowArriving(facts: Facts, seating: Seating): boolean {
  const { view, link, ear, isListening, isOnline, lagMs, waiting, problem } = facts;
  if (!isOnAir(view) || !isOnline || problem === "no-space") return false;
  if (seating === "seated") return true;
  if (seating === "connecting" || seating === "reconnecting") return false;
  const isConnected = link === "following" || link === "ended";
  const isNear = (ear === "playing" || ear === "low") && lagMs < 8_000;
  return isListening && !waiting && isConnected && (isNear || (ear === "jumping" && seating !== "removed"));
}

const isOnAir = (view: SpaceView | undefined) => view?.phase === "live" && view.air === "voice";

test("a page that is offline or without its server shows it, unless it still has the sound of now", () => {
  const others = ["no-space", "ended", "unplayable", "blocked", "queued", "full", "removed"];
  for (const [facts, seating] of combinations()) {
    if (facts.isOnline && facts.problem !== "stage-away") continue;
    const look = lookOf(facts, seating);
    const { word, lamp, light } = look;
    const where = JSON.stringify([facts, seating, look]);
    if (word === "offline" || word === "unreachable") assert.deepEqual([lamp, light], ["trouble", "dark"], where);
    else if (!facts.isOnline) assert.ok(others.includes(word), where);
    else assert.ok(others.includes(word) || seating !== undefined || facts.isListening, where);
  }
});

test("each state that a person should tell from the others has a look of its own", () => {
  const gone = { ...LISTENING, link: "waiting-retry", ear: "holding" } as const;
  const held = (holdReason: SpaceView["holdReason"]) => ({ ...VIEW, air: "hold", holdReason }) as const;
  const shown: readonly [string, Facts, Seating?][] = [
    ["Live", LISTENING],
    ["On air", FACTS],
    ["Not started", { ...FACTS, view: { ...VIEW, phase: "created" } }],
    ["About to begin", { ...LISTENING, view: held(null) }],
    ["Host away", { ...LISTENING, view: held("nobody-on-stage") }],
    ["Behind", { ...LISTENING, lagMs: 20_000 }],
    ["Reconnecting", gone],
    ["No answer", { ...gone, problem: "stage-away" }],
    ["Offline", { ...gone, isOnline: false }],
    ["Stage out of reach", { ...FACTS, isStale: true }],
    ["Full house", { ...FACTS, tier: "waiting" }],
    ["In line", { ...LISTENING, waiting: QUEUE }],
    ["Off the stage", LISTENING, "removed"],
    ["Ended", { ...FACTS, view: { ...VIEW, phase: "ended" } }],
  ];
  const looks = shown.map(([word, facts, seating]) => {
    const look = lookOf(facts, seating);
    assert.equal(english.page.states[look.word], word, situationOf(facts));
    return look;
  });
  assert.equal(new Set(looks.map(({ word }) => english.page.states[word])).size, shown.length);
  const [live, onAir, , , , , , noAnswer, offline] = looks.map(bare);
  assert.notDeepEqual(live, onAir, "the sound has to be asked for");
  assert.deepEqual(live, "on lit");
  for (const trouble of [noAnswer, offline]) assert.equal(trouble, "trouble dark");
});

test("a speaker's page looks live while they are on air, and like a lost connection while theirs is", () => {
  assert.equal(bare(lookOf(FACTS, "seated")), "on lit");
  assert.equal(lookOf({ ...FACTS, view: { ...VIEW, phase: "created" } }, "seated").word, "green-room");
  assert.equal(lookOf(FACTS, "reconnecting").word, "reconnecting");
  assert.equal(lookOf({ ...FACTS, problem: "stage-away" }, "reconnecting").word, "unreachable");
  assert.equal(lookOf({ ...FACTS, isOnline: false }, "seated").word, "offline");
});

const bare = ({ lamp, light }: Look) => `${lamp} ${light}`;
