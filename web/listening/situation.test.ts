import assert from "node:assert/strict";
import { test } from "node:test";
import { EAR_STATES } from "@hustings/listener/playout/ear-states.ts";
import { LINK_STATES } from "@hustings/listener/session/link-states.ts";
import { ERROR_TABLE, type ErrorCode } from "@hustings/wire/errors.ts";
import type { PersonId } from "@hustings/wire/ids.ts";
import { english, marked } from "../text/testing/english.ts";
import { sentenceOf } from "./sentence.ts";
import { type Facts, situationOf } from "./situation.ts";
import { FACTS, VIEW, views } from "./testing/facts.ts";

const HOST = {
  ...{ key: "Ada#1", seat: 0, person: "p00000000000" as PersonId, name: "Ada" },
  ...({ role: "host", muted: false, mutedBy: "self", present: true } as const),
};
const inEnglish = (facts: Facts) => sentenceOf(facts, english.page, english.hearing);

test("every state that a listener can be in has a sentence, and every sentence comes from the texts", () => {
  const codes = [undefined, ...Object.keys(ERROR_TABLE)] as (ErrorCode | undefined)[];
  let count = 0;
  for (const view of [undefined, ...views()])
    for (const link of LINK_STATES)
      for (const ear of EAR_STATES)
        for (const isListening of [false, true])
          for (const isOnline of [false, true])
            for (const refusal of codes) {
              const facts = { ...FACTS, view, link, ear, isListening, isOnline, refusal, problem: refusal };
              assert.match(
                sentenceOf(facts, marked.page, marked.hearing),
                /^⟦[A-Z][^<>{}]+\.⟧$/,
                JSON.stringify(facts),
              );
              count += 1;
            }
  assert.ok(count > 50_000);
});

test("a reason for not hearing anything comes before what goes on in the space", () => {
  const held = { ...VIEW, air: "hold", holdReason: "nobody-on-stage" } as const;
  const on = { ...FACTS, isListening: true, link: "following", ear: "playing" } as const;
  assert.equal(situationOf(on), "listening");
  assert.equal(situationOf({ ...on, view: held }), "host-away");
  assert.equal(situationOf({ ...on, view: held, isOnline: false }), "offline");
  assert.equal(situationOf({ ...on, view: held, ear: "low", link: "waiting-retry" }), "reconnecting");
  assert.equal(situationOf({ ...on, ear: "filling", link: "connecting" }), "reconnecting");
  for (const link of ["waiting-retry", "connecting"] as const)
    assert.equal(situationOf({ ...on, link }), "listening", "enough sound is buffered, so nothing is audible");
  assert.equal(situationOf({ ...on, link: "waiting-retry", ear: "filling", refusal: "full" }), "full");
  assert.equal(situationOf({ ...on, ear: "filling", link: "connecting", problem: "stage-away" }), "unreachable");
  assert.equal(situationOf({ ...on, ear: "starting", link: "waiting-retry" }), "connecting");
  for (const link of ["waiting-retry", "connecting"] as const) {
    assert.equal(situationOf({ ...on, ear: "starting", link, isUnanswered: true }), "unanswered");
    assert.equal(situationOf({ ...on, ear: "filling", link, isUnanswered: true }), "reconnecting");
  }
  assert.equal(situationOf({ ...on, ear: "filling", link: "waiting-retry", refusal: "address-full" }), "address-full");
  assert.equal(situationOf({ ...on, link: "refused", refusal: "bad-frame" }), "refused");
  assert.equal(situationOf({ ...on, ear: "filling" }), "waiting");
  assert.equal(situationOf({ ...on, ear: "filling", isStale: true }), "stale", "no sound is on its way");
  assert.equal(situationOf({ ...on, ear: "jumping" }), "skipped");
  assert.equal(situationOf({ ...on, lagMs: 20_000 }), "far-behind");
  assert.equal(situationOf({ ...on, lagMs: 12_500, usualLagMs: 12_000 }), "listening", "pushes come 8 s apart");
  assert.equal(situationOf({ ...FACTS, ear: "unplayable" }), "unplayable");
  assert.equal(situationOf({ ...FACTS, ear: "blocked" }), "blocked");
  assert.equal(situationOf({ ...FACTS, view: undefined, problem: "stage-away" }), "unreachable");
  assert.equal(situationOf({ ...FACTS, isStale: true }), "stale");
  assert.equal(situationOf({ ...FACTS, problem: "stage-away" }), "unreachable");
});

test("a person in the queue reads their position and the wait, and a newcomer how long the queue is", () => {
  const queued = (waiting: Facts["waiting"]) =>
    inEnglish({ ...FACTS, isListening: true, link: "connecting", ear: "holding", waiting });
  const more = "Music until then; this page lets you in automatically.";
  assert.equal(
    queued({ position: 2_140, estimateMs: 170_000 }),
    `Full house: you are 2,140th in line, about 3 minutes. ${more}`,
  );
  assert.equal(
    queued({ position: 1, estimateMs: 900 }),
    `Full house: you are next in line, less than a minute. ${more}`,
  );
  assert.equal(queued({ position: 22, estimateMs: null }), `Full house: you are 22nd in line. ${more}`);
  const newcomer = { ...FACTS, tier: "waiting", line: { count: 311, estimateMs: 7_200_000 } } as const;
  assert.equal(inEnglish(newcomer), "Full house: 311 in line, about 2 hours. Press Listen to join the line.");
  assert.match(inEnglish({ ...newcomer, line: { count: 0, estimateMs: null } }), /next in line/);
  assert.equal(situationOf({ ...newcomer, tier: "pull" }), "live");
});

test("a listener by pull reads that they are later and why, and is not promised to catch up", () => {
  const pulls = { ...FACTS, isListening: true, link: "following", ear: "playing", delivery: "pull" } as const;
  assert.match(inEnglish({ ...pulls, tier: "pull" }), /some seconds later than others: the faster places are taken/);
  assert.equal(inEnglish(pulls), "You are listening, some seconds later than others.");
  assert.equal(inEnglish({ ...pulls, lagMs: 25_000 }), "You are 25 s behind. No word is lost.");
  assert.equal(inEnglish({ ...pulls, delivery: "push" }), "You are listening.");
});

test("tells a host who is away from a stage on which nobody speaks", () => {
  const away = { ...VIEW, air: "hold", holdReason: "silence" } as const;
  assert.equal(situationOf({ ...FACTS, view: away }), "host-away");
  assert.equal(situationOf({ ...FACTS, view: { ...away, people: [HOST] } }), "silence");
});
