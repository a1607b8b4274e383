import assert from "node:assert/strict";
import { test } from "node:test";
import { english } from "../text/testing/english.ts";
import { type HostFacts, hostLineOf, shownLagOf } from "./host-line.ts";

const BEHIND = "0.8 s behind";
const SLOW = "9 s behind";
const WELL: HostFacts = {
  seat: { kind: "seated" },
  isMuted: false,
  microphone: "working",
  isMicrophoneSilent: false,
  isDoorAway: false,
  air: "voice",
  recording: "on",
};

interface Lag {
  readonly behind: string | undefined;
  readonly slowest: string | undefined;
}
const NEAR: Lag = { behind: BEHIND, slowest: undefined };
const LAGS: readonly Lag[] = [NEAR, { behind: undefined, slowest: undefined }, { behind: BEHIND, slowest: SLOW }];

function lineFor(facts: Partial<HostFacts>, listeners = 12_480, lag = NEAR): string {
  const { message, isUnrecorded } = hostLineOf({ ...WELL, ...facts });
  const { state, details } = english.speaking.hostLine[message]({ listeners, ...lag, isUnrecorded });
  return `${state} ${details}`.trim();
}

/** Every combination of facts. */
function* combinations(): Generator<HostFacts> {
  const seats = [{ kind: "connecting" }, { kind: "seated" }, { kind: "reconnecting", sinceMs: 0 }] as const;
  for (const seat of seats)
    for (const isMuted of [false, true])
      for (const microphone of ["working", "interrupted", "ended"] as const)
        for (const isMicrophoneSilent of [false, true])
          for (const isDoorAway of [false, true])
            for (const air of ["voice", "hold"] as const)
              for (const recording of ["on", "off", "failed"] as const)
                yield { seat, isMuted, microphone, isMicrophoneSilent, isDoorAway, air, recording };
}

test("the host's line is true for every combination of facts", () => {
  for (const facts of combinations())
    for (const [listeners, lag] of [0, 1, 12_480].flatMap((count) => LAGS.map((one) => [count, one] as const))) {
      const line = lineFor(facts, listeners, lag);
      const isSending =
        facts.seat.kind === "seated" && !facts.isMuted && facts.microphone === "working" && !facts.isMicrophoneSilent;
      const isHeard = isSending && facts.air === "voice" && !facts.isDoorAway;
      const where = `${line} ${JSON.stringify(facts)}`;
      assert.match(line, /^[A-Z].+\.$/, where);
      assert.equal(/\bhears? you\b/.test(line.replaceAll("no one hears you", "")), isHeard && listeners > 0, where);
      assert.equal(/You are on air/.test(line), isHeard, where);
      if (/no one hears you/.test(line)) assert.equal(isSending, false, where);
      if (/hears? music/.test(line)) assert.equal(facts.air, "hold", where);
      if (/listens? to the stage/.test(line)) assert.equal(facts.air, "voice", where);
      const isAllWell = isHeard && listeners > 0 && facts.recording !== "failed" && lag.slowest === undefined;
      assert.equal(/all well/.test(line), isAllWell, where);
      assert.equal((line.match(/behind/g) ?? []).length, lagsIn(facts, listeners, lag), where);
      if (/not recorded/.test(line)) assert.equal(facts.recording, "failed", where);
      if (/Nobody is listening/.test(line)) assert.equal(listeners, 0, where);
      assert.equal(
        hostLineOf(facts).isWell,
        !/not recorded|dropped|Taking|answer|microphone is (?:gone|silent)|silenced/.test(line),
        where,
      );
    }
});

/** The lag is shown only of listeners who hear voices, as they measured it. */
function lagsIn(
  { seat, microphone, isMuted, isMicrophoneSilent, isDoorAway, air }: HostFacts,
  listeners: number,
  lag: Lag,
) {
  const isInTrouble =
    seat.kind !== "seated" || microphone !== "working" || isDoorAway || (!isMuted && isMicrophoneSilent);
  if (isInTrouble || air === "hold" || listeners === 0) return 0;
  return [lag.behind, lag.slowest].filter((phrase) => phrase !== undefined).length;
}

test("the slowest listeners are mentioned when they are much farther behind than most", () => {
  assert.equal(
    lineFor({}, 50, { behind: BEHIND, slowest: SLOW }),
    `You are on air. 50 hear you · ${BEHIND}, some ${SLOW}.`,
  );
  assert.deepEqual(shownLagOf({ lagMs: 800, slowLagMs: 9_000 }), { medianMs: 800, slowestMs: 9_000 });
  assert.deepEqual(shownLagOf({ lagMs: 800, slowLagMs: 1_500 }), { medianMs: 800 });
  assert.deepEqual(shownLagOf({ lagMs: null, slowLagMs: null }), {});
  assert.deepEqual(shownLagOf(undefined), {});
});

test("the host's line counts the listeners and says how far behind they are", () => {
  assert.equal(lineFor({}), "You are on air. 12,480 hear you · 0.8 s behind · all well.");
  assert.equal(lineFor({}, 1), "You are on air. 1 hears you · 0.8 s behind · all well.");
  assert.equal(lineFor({}, 0), "You are on air. Nobody is listening right now.");
  assert.equal(
    lineFor({ recording: "failed" }),
    "You are on air. 12,480 hear you · 0.8 s behind · not recorded: the storage is full.",
  );
  assert.equal(
    lineFor({ isMuted: true }),
    "Muted: no one hears you. 12,480 people listen to the stage · 0.8 s behind.",
  );
  assert.equal(
    lineFor({ isMuted: true, air: "hold" }, 1),
    "Muted: no one hears you. 1 person hears music, because nobody is speaking.",
  );
});

test("the worst trouble comes first", () => {
  const all = { isMuted: true, isDoorAway: true, isMicrophoneSilent: true, air: "hold", recording: "failed" } as const;
  const seat = { kind: "reconnecting", sinceMs: 0 } as const;
  assert.match(lineFor({ ...all, seat, microphone: "ended" }), /^The server does not answer/);
  assert.match(lineFor({ ...all, seat, microphone: "ended", isDoorAway: false }), /^Your connection/);
  assert.match(lineFor({ ...all, microphone: "ended" }), /^Your microphone is gone/);
  assert.match(lineFor(all), /^The server does not answer/);
  assert.match(lineFor({ isMicrophoneSilent: true, air: "hold" }), /^Your microphone is silent/);
});
