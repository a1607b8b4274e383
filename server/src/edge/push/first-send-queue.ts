// Owns when first flights begin: as many in one turn of the loop as fit in a few milliseconds, then whoever listens already
// has their turn; whose sound runs out first goes first. Refuses to know what a flight is.
// docs/decisions/0014-resumes.md.

import type { Clock } from "@hustings/flow/clock.ts";
import { createPriorityQueue } from "@hustings/flow/priority-queue.ts";
import { rungFor, usualLagMs } from "@hustings/wire/listen/cadence.ts";
import { SLOT_MS } from "@hustings/wire/units.ts";
import type { ListenRequest } from "../socket/listen-request.ts";

export interface FirstSendQueue {
  /** `begin` is called in this turn of the loop or a later one; never from within, must not throw. False: too many wait. */
  add(begin: () => void, dueMs: number): boolean;
  readonly size: number;
}

/** In one turn flights begin for so long; one that has begun is finished. */
export const TURN_MS = 10;
/** Somebody new hears nothing yet, and should before this. */
const NEW_DUE_MS = 1_000;

/** `limit`: flights that wait at once. `soon` calls back in the next turn of the loop. */
export function createFirstSendQueue(
  clock: Pick<Clock, "monotonicMs">,
  limit: number,
  soon: (sendDue: () => void) => unknown = setImmediate,
): FirstSendQueue {
  const waiting = createPriorityQueue<() => void>(limit);

  function turn(): void {
    const endMs = clock.monotonicMs() + TURN_MS;
    for (let begin = waiting.take(); begin; begin = clock.monotonicMs() < endMs ? waiting.take() : undefined) begin();
    if (waiting.size > 0) soon(turn);
  }

  return {
    add(begin, dueMs) {
      if (!waiting.add(begin, dueMs)) return false;
      if (waiting.size === 1) soon(turn);
      return true;
    },
    get size() {
      return waiting.size;
    },
  };
}

/**
 * When a flight is due on the clock that says `nowMs`. Who comes back had a whole push, its margin and the reserve ahead when the slot
 * before `nextSlot` came; since then as much of it is gone as the space has gone on to `headSlot`.
 */
export function firstSendDueMs(
  { nextSlot, heldCadenceMs = 0 }: ListenRequest,
  headSlot: number | null,
  nowMs: number,
  reserveMs = 0,
): number {
  if (nextSlot === undefined) return nowMs + NEW_DUE_MS;
  const missedMs = Math.max(0, (headSlot ?? 0) + 1 - nextSlot) * SLOT_MS;
  return nowMs + Math.max(0, usualLagMs(rungFor(heldCadenceMs), reserveMs) - missedMs);
}
