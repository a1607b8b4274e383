// A listener's timers and reconnects: the rules of listener/SPEC.md §2 applied to rows of the listener table.

import { RECONNECT } from "@hustings/flow/retry.ts";
import { CLOCK_PING, SLOW_CADENCE_MS } from "@hustings/listener/session/clock-offset.ts";
import { reconnectDelayMs } from "@hustings/listener/session/reconnect-delay.ts";
import { pingAfterMs, pongWithinMs } from "@hustings/listener/session/silence-timeout.ts";
import { listenQuery } from "@hustings/wire/listen/listen-query.ts";
import type { Rendition } from "@hustings/wire/units.ts";
import type { Counts } from "../record/crowd-report.ts";
import { type ListenerTable, STALL } from "./listener-table.ts";
import type { ObservedSpace } from "./observed-space.ts";

/** Fits a byte; the delay stopped growing long before. */
const MAX_ATTEMPTS = 250;
const MAX_HINT_MS = 600_000;
const LATE_MS = 500;
/** A resting listener is visited in one of this many rounds. */
const REST_ROUNDS = 8;
/** Listeners that joined together spread their first clock request over this many parts of the first minute. */
const CLOCK_SHARES = 60;

/** New slots of `[from, to)` begin at `first`, after `absentSlots`. Counts duplicate, skipped and missing slots. */
export function newSlotsOf(
  table: ListenerTable,
  i: number,
  space: ObservedSpace,
  counts: Counts,
  from: number,
  to: number,
): { readonly first: number; readonly absentSlots: number } {
  const next = table.next[i] as number;
  if (next < 0 || from === next) return { first: from, absentSlots: 0 };
  if (from < next) {
    counts.duplicateSlots += Math.min(next, to) - from;
    return { first: next, absentSlots: 0 };
  }
  const between = space.classifySlots(next, table.skippedTo[i] as number, from);
  if (table.stalled[i] === STALL.never) {
    counts.skippedSlots += between.skippedSlots;
    counts.missingSlots += between.missingSlots;
  }
  return { first: from, absentSlots: between.absentSlots };
}

export function nextAttemptMs(
  table: ListenerTable,
  i: number,
  aheadMs: number,
  atLeastMs: number,
  random: () => number,
): number {
  const attempt = table.attempt[i] as number;
  table.attempt[i] = Math.min(MAX_ATTEMPTS, attempt + 1);
  const [cadenceMs, reserveMs] = [table.cadenceMs[i] as number, table.reserveMs[i] as number];
  const loss = { attempt, atLeastMs: Math.min(atLeastMs, MAX_HINT_MS), aheadMs, cadenceMs, reserveMs };
  return reconnectDelayMs(RECONNECT, loss, random) as number;
}

export function nextAction(table: ListenerTable, i: number, nowMs: number): "nothing" | "ping" | "reconnect" {
  const pingedMs = table.pingedMs[i] as number;
  const [cadenceMs, reserveMs] = [table.cadenceMs[i] as number, table.reserveMs[i] as number];
  if (pingedMs > 0 && nowMs - pingedMs >= pongWithinMs(cadenceMs, reserveMs)) return "reconnect";
  if (pingedMs === 0 && nowMs - (table.heardMs[i] as number) >= pingAfterMs(cadenceMs, reserveMs)) return "ping";
  return nowMs - (table.clockPingMs[i] as number) >= clockEveryMs(table, i) ? "ping" : "nothing";
}

/**
 * Time until which a listener that received sound at `nowMs` needs no visit: the buffer lasts a push and the margin. 0:
 * it needs visits, because the edge requested another cadence (`hasRequest`) or because it was stalled.
 */
export function restUntilMs(table: ListenerTable, i: number, nowMs: number, hasRequest: boolean): number {
  return hasRequest || table.stalled[i] !== STALL.never ? 0 : nowMs + (table.cadenceMs[i] as number) + LATE_MS;
}

export function isResting(table: ListenerTable, i: number, nowMs: number, periodMs: number): boolean {
  return nowMs < (table.restUntilMs[i] as number) && (Math.floor(nowMs / periodMs) + i) % REST_ROUNDS !== 0;
}

/** A player asks for the edge's clock until it has enough answers, then seldom (SPEC.md L10). */
function clockEveryMs(table: ListenerTable, i: number): number {
  if ((table.cadenceMs[i] as number) >= SLOW_CADENCE_MS)
    return table.hasAsked[i] === 1
      ? CLOCK_PING.refreshMs
      : ((i % CLOCK_SHARES) * CLOCK_PING.firstWithinMs) / CLOCK_SHARES;
  const isNew = (table.clockPingMs[i] as number) - (table.sinceMs[i] as number) < CLOCK_PING.everyMs * 3;
  return isNew ? CLOCK_PING.everyMs : CLOCK_PING.refreshMs;
}

/** Path and query of a connection. A listener that resumes names its cursor, cadence and time in the queue. */
export function listenPath(table: ListenerTable, i: number, path: string, rendition: Rendition): string {
  const known = (column: { readonly [i: number]: number | undefined }) => column[i] || undefined;
  const next = table.next[i] as number;
  const cursor = { nextSlot: next, heldCadenceMs: table.cadenceMs[i], stateSeq: known(table.stateSeq) };
  return `${path}?${listenQuery({ rendition, ...(next >= 0 ? cursor : {}), claim: table.claims[i] })}`;
}
