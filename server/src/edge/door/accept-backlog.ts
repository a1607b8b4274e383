// Keeps the accept queue no longer than what this machine answers in time. A longer queue would make every client give up
// before it is answered, so that the edges would work only for connections that have gone.

import type { Clock } from "@hustings/flow/clock.ts";

export interface AcceptBacklog {
  /** Call for each accepted connection. */
  accepted(): void;
}

export interface AcceptBacklogOptions {
  readonly clock: Clock;
  /** Connections in the accept queue. */
  readonly queued: () => number;
  /** Edges that accept from the same queue. */
  readonly acceptingEdges: number;
  readonly apply: (backlog: number) => void;
}

/** Enough for a dead edge's listeners. net.core.somaxconn may lower it. */
export const MOST_BACKLOG = 16_384;
/** A quick burst, such as one page's connections and a few people, always fits. */
export const LEAST_BACKLOG = 64;
/** A client gives up after ten seconds; a person should hear something within two. */
const IN_TIME_MS = 1_500;
const SAMPLE_MS = 250;

/** The socket is expected to be open with `MOST_BACKLOG`. */
export function createAcceptBacklog({ clock, queued, acceptingEdges, apply }: AcceptBacklogOptions): AcceptBacklog {
  let sinceMs = clock.monotonicMs();
  let count = 0;
  let wasWaiting = false;
  let backlog = MOST_BACKLOG;

  // The rate says what this machine can do only if somebody waited all the time.
  function wanted(passedMs: number, isWaiting: boolean): number {
    if (!isWaiting) return MOST_BACKLOG;
    if (!wasWaiting) return backlog;
    const inTime = ((count * acceptingEdges) / passedMs) * IN_TIME_MS;
    return Math.round(Math.min(MOST_BACKLOG, Math.max(LEAST_BACKLOG, (backlog + inTime) / 2, inTime)));
  }

  function sample(nowMs: number): void {
    const isWaiting = queued() > 0;
    const next = wanted(nowMs - sinceMs, isWaiting);
    wasWaiting = isWaiting;
    sinceMs = nowMs;
    count = 0;
    if (next === backlog) return;
    backlog = next;
    apply(next);
  }

  return {
    accepted() {
      count += 1;
      const nowMs = clock.monotonicMs();
      if (nowMs - sinceMs >= SAMPLE_MS) sample(nowMs);
    },
  };
}
