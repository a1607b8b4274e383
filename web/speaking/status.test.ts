import assert from "node:assert/strict";
import { test } from "node:test";
import type { SeatPhase } from "@hustings/speaker/browser/seat.ts";
import { ERROR_TABLE, type ErrorCode, isErrorCode } from "@hustings/wire/errors.ts";
import { english } from "../text/testing/english.ts";
import { browserOf } from "./browser-kind.ts";
import { hostStatusOf } from "./host-status.ts";
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
          assert.match(sentenceOf({ seat, phase, isMuted, mutedBy: "host", takesSeatUninvited }), /^[A-Z].+\.$/);
});

test("a speaker reads whether listeners hear them, and who muted them", () => {
  const seated = { seat: { kind: "seated" }, phase: "live", mutedBy: "self", takesSeatUninvited: false } as const;
  assert.equal(seatStatusOf({ ...seated, isMuted: false }), "on-air");
  assert.equal(seatStatusOf({ ...seated, isMuted: true }), "muted");
  assert.equal(seatStatusOf({ ...seated, isMuted: true, mutedBy: "host" }), "muted-by-host");
  assert.equal(seatStatusOf({ ...seated, isMuted: true, mutedBy: "host", takesSeatUninvited: true }), "muted");
  assert.equal(seatStatusOf({ ...seated, isMuted: true, phase: "created" }), "not-live");
  assert.equal(seatStatusOf({ ...seated, isMuted: false, phase: "created" }), "not-live-unmuted");
});

test("the help for a blocked microphone fits the browser", () => {
  const agents = ["iPhone Safari", "Chrome Safari", "Safari", "Firefox", "something"];
  const sentences = agents.map((agent) => text.microphoneRefused(browserOf(agent)));
  for (const sentence of sentences) assert.match(sentence, /\.$/);
  assert.equal(new Set(sentences).size, agents.length);
});

test("the host's line reports the worst trouble, and all well only without any", () => {
  const well = {
    view: { air: "voice", recording: "on" },
    seat: { kind: "seated" },
    isMuted: false,
    isDoorAway: false,
    isMicrophoneSilent: false,
  } as const;
  assert.equal(hostStatusOf(well), "well");
  assert.equal(hostStatusOf({ ...well, isDoorAway: true, isMicrophoneSilent: true }), "unreachable");
  assert.equal(hostStatusOf({ ...well, isMicrophoneSilent: true }), "silent-microphone");
  assert.equal(hostStatusOf({ ...well, isMicrophoneSilent: true, isMuted: true }), "well");
  assert.equal(hostStatusOf({ ...well, view: { air: "hold", recording: "failed" } }), "hold");
  assert.equal(hostStatusOf({ ...well, view: { air: "voice", recording: "failed" } }), "not-recording");
  assert.equal(hostStatusOf({ ...well, isDoorAway: true, seat: { kind: "reconnecting", sinceMs: 0 } }), "reconnecting");
});

test("the host's line counts the listeners and gives their lag when it is known", () => {
  const { well } = text.hostStatus;
  const audience = english.page.audience(12_480);
  assert.equal(
    well({ listeners: 12_480, audience, behind: "0.8 s behind" }),
    "12,480 hear you · 0.8 s behind · all well",
  );
  assert.equal(well({ listeners: 12_480, audience, behind: undefined }), "12,480 hear you · all well");
  assert.equal(well({ listeners: 0, audience, behind: "0.8 s behind" }), "Nobody is listening right now · all well");
});
