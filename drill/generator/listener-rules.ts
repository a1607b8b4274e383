// Owns what a listener does by the clock and where it asks to go on: the listening session's rules (listener/SPEC.md §2) on
// a place of the crowd. Decides alone. Refuses to send anything.

import { RECONNECT } from "@hustings/flow/retry.ts";
import { CLOCK_PING, SLOW_CADENCE_MS } from "@hustings/listener/session/clock-offset.ts";
import { reconnectDelayMs } from "@hustings/listener/session/reconnect-delay.ts";
import { pingAfterMs, pongWithinMs } from "@hustings/listener/session/silence-timeout.ts";
import { LISTEN_QUERY } from "@hustings/wire/routes.ts";
import type { Rendition } from "@hustings/wire/units.ts";
import type { Counts } from "../record/crowd-report.ts";
import { type Places, STALL } from "./listener-table.ts";
import type { Programme } from "./observed-space.ts";

/** As much as a byte holds, and more than makes a difference. */
const MOST_ATTEMPTS = 250;
const MOST_HINT_MS = 600_000;
/** A push is late after so long. */
const LATE_MS = 500;
const LOOKED_AT = 8;
/** Who came together asks for the time in so many different seconds of the first minute. */
const SHARES = 60;

/** What is new of slots `[from, to)`, behind how many in which time passes; what was wrong with them is counted. */
export function arrivalOf(
  at: Places,
  i: number,
  programme: Programme,
  counts: Counts,
  from: number,
  to: number,
): { readonly first: number; readonly absentSlots: number } {
  const next = at.next[i] as number;
  if (next < 0 || from === next) return { first: from, absentSlots: 0 };
  if (from < next) {
    counts.duplicateSlots += Math.min(next, to) - from;
    return { first: next, absentSlots: 0 };
  }
  const passed = programme.passedOver(next, at.skippedTo[i] as number, from);
  if (at.stalled[i] === STALL.never) {
    counts.skippedSlots += passed.skippedSlots;
    counts.missingSlots += passed.missingSlots;
  }
  return { first: from, absentSlots: passed.absentSlots };
}

/** How long somebody waits who has lost the connection with `aheadMs` left; one more try is counted. */
export function nextTryMs(at: Places, i: number, aheadMs: number, atLeastMs: number, random: () => number): number {
  const attempt = at.attempt[i] as number;
  at.attempt[i] = Math.min(MOST_ATTEMPTS, attempt + 1);
  const [cadenceMs, reserveMs] = [at.cadenceMs[i] as number, at.reserveMs[i] as number];
  const loss = { attempt, atLeastMs: Math.min(atLeastMs, MOST_HINT_MS), aheadMs, cadenceMs, reserveMs };
  return reconnectDelayMs(RECONNECT, loss, random) as number;
}

/** What is due for a listener that follows: nothing, a ping, or another connection. */
export function dueOf(at: Places, i: number, nowMs: number): "nothing" | "ping" | "reconnect" {
  const pingedMs = at.pingedMs[i] as number;
  const [cadenceMs, reserveMs] = [at.cadenceMs[i] as number, at.reserveMs[i] as number];
  if (pingedMs > 0 && nowMs - pingedMs >= pongWithinMs(cadenceMs, reserveMs)) return "reconnect";
  if (pingedMs === 0 && nowMs - (at.heardMs[i] as number) >= pingAfterMs(cadenceMs, reserveMs)) return "ping";
  return nowMs - (at.clockPingMs[i] as number) >= clockEveryMs(at, i) ? "ping" : "nothing";
}

/**
 * Until when nothing is due of one to whom sound came at `nowMs`: what is ahead lasts a push and the margin, and nobody misses
 * one that is not late. Who was asked for another cadence is looked at for when they are ready.
 */
export function restMs(at: Places, i: number, nowMs: number, isAsked: boolean): number {
  return isAsked || at.stalled[i] !== STALL.never ? 0 : nowMs + (at.cadenceMs[i] as number) + LATE_MS;
}

/** Whether somebody who follows need not be looked at in this round; one in eight is all the same, in turn. */
export function isAtRest(at: Places, i: number, nowMs: number, periodMs: number): boolean {
  return nowMs < (at.restMs[i] as number) && (Math.floor(nowMs / periodMs) + i) % LOOKED_AT !== 0;
}

/** A player asks for the time until it has enough answers (SPEC.md L10), and then seldom. */
function clockEveryMs(at: Places, i: number): number {
  if ((at.cadenceMs[i] as number) >= SLOW_CADENCE_MS)
    return at.hasAsked[i] === 1 ? CLOCK_PING.refreshMs : ((i % SHARES) * CLOCK_PING.firstWithinMs) / SHARES;
  const isNew = (at.clockPingMs[i] as number) - (at.sinceMs[i] as number) < CLOCK_PING.everyMs * 3;
  return isNew ? CLOCK_PING.everyMs : CLOCK_PING.refreshMs;
}

/** The path and query of a connection: who comes back says what they hold. */
export function addressOf(at: Places, i: number, path: string, rendition: Rendition): string {
  const next = at.next[i] as number;
  const query = [`${LISTEN_QUERY.rendition}=${rendition}`];
  if (next >= 0) query.push(`${LISTEN_QUERY.nextSlot}=${next}`, `${LISTEN_QUERY.cadenceMs}=${at.cadenceMs[i]}`);
  if (next >= 0 && (at.stateSeq[i] as number) > 0) query.push(`${LISTEN_QUERY.stateSeq}=${at.stateSeq[i]}`);
  const sinceUtcMs = at.sinceUtcMs[i] as number;
  if (sinceUtcMs > 0) query.push(`${LISTEN_QUERY.sinceUtcMs}=${sinceUtcMs}`);
  return `${path}?${query.join("&")}`;
}
