// Queues first sends: a few milliseconds of them per turn of the event loop, the shortest buffer first
// (docs/decisions/0014-resumes.md).

import type { Clock } from "@hustings/flow/clock.ts";
import { createPriorityQueue } from "@hustings/flow/priority-queue.ts";
import { rungFor, usualLagMs } from "@hustings/wire/listen/cadence.ts";
import { SLOT_MS } from "@hustings/wire/units.ts";
import type { ListenRequest } from "../socket/listen-request.ts";

export interface FirstSendQueue {
  /** Calls `begin`, which must not throw, later. False: the queue is full. */
  add(begin: () => void, dueMs: number): boolean;
  readonly size: number;
}

/** Time for first sends; one that has begun is finished. */
export const TURN_MS = 10;
/** A newcomer hears nothing yet, and is due within this time. */
const NEW_DUE_MS = 1_000;

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

/** The buffer ends a cadence, margin and reserve after the slot before `nextSlot`, less the slots up to `headSlot`. */
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
