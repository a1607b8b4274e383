import assert from "node:assert/strict";
import { test } from "node:test";
import type { SeatPhase } from "@hustings/speaker/browser/seat.ts";
import { ERROR_TABLE, type ErrorCode, isErrorCode } from "@hustings/wire/errors.ts";
import { english } from "../text/testing/english.ts";
import { browserOf } from "./microphone/browser-kind.ts";
import { type SeatFacts, seatStatusOf } from "./seat-status.ts";

const text = english.speaking;

function sentenceOf(facts: SeatFacts): string {
  const status = seatStatusOf(facts);
  return isErrorCode(status) ? english.errors[status] : text.seat[status];
}

test("a speaker has a sentence in every state of a seat", () => {
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
        for (const takesSeatUninvited of [false, true])
          for (const microphone of ["working", "interrupted", "ended"] as const) {
            const sentence = sentenceOf({ seat, phase, isMuted, mutedBy: "host", microphone, takesSeatUninvited });
            assert.match(sentence, /^[A-Z].+\.$/);
            if (seat?.kind === "seated" && microphone !== "working") assert.match(sentence, /no one hears you\.$/);
          }
});

test("a speaker reads whether listeners hear them, and who muted them", () => {
  const facts = { phase: "live", mutedBy: "self", microphone: "working", takesSeatUninvited: false } as const;
  const seated = { ...facts, seat: { kind: "seated" } } as const;
  assert.equal(seatStatusOf({ ...seated, isMuted: false }), "on-air");
  assert.equal(seatStatusOf({ ...seated, isMuted: true }), "muted");
  assert.equal(seatStatusOf({ ...seated, isMuted: true, mutedBy: "host" }), "muted-by-host");
  assert.equal(seatStatusOf({ ...seated, isMuted: true, mutedBy: "host", takesSeatUninvited: true }), "muted");
  assert.equal(seatStatusOf({ ...seated, isMuted: false, microphone: "ended" }), "microphone-ended");
  assert.equal(seatStatusOf({ ...seated, isMuted: false, microphone: "interrupted" }), "microphone-interrupted");
  assert.equal(seatStatusOf({ ...seated, isMuted: true, phase: "created" }), "not-live");
  assert.equal(seatStatusOf({ ...seated, isMuted: false, phase: "created" }), "not-live-unmuted");
});

test("the help for a blocked microphone fits the browser", () => {
  const agents = ["iPhone Safari", "Chrome Safari", "Safari", "Firefox", "something"];
  const sentences = agents.map((agent) => text.microphoneRefused(browserOf(agent)));
  for (const sentence of sentences) assert.match(sentence, /\.$/);
  assert.equal(new Set(sentences).size, agents.length);
});
