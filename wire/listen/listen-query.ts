// Writes the query of the listener's WebSocket. docs/wire.md §4 is normative.

import { LISTEN_QUERY } from "../routes.ts";
import type { Rendition } from "../units.ts";

/** A listener's request, and the position from which it resumes. Absent: nothing yet. */
export interface ListenPosition {
  readonly rendition: Rendition;
  readonly nextSlot?: number | undefined;
  readonly stateSeq?: number | undefined;
  readonly momentSeq?: number | undefined;
  /** The cadence that its buffer suffices for. */
  readonly heldCadenceMs?: number | undefined;
  /** The newest claim that an edge gave. */
  readonly claim?: string | undefined;
}

export function listenQuery(position: ListenPosition): string {
  const { rendition, nextSlot, heldCadenceMs, stateSeq, momentSeq, claim } = position;
  const values: [string, string | number | undefined][] = [
    [LISTEN_QUERY.rendition, rendition],
    [LISTEN_QUERY.nextSlot, nextSlot],
    [LISTEN_QUERY.cadenceMs, heldCadenceMs],
    [LISTEN_QUERY.stateSeq, stateSeq],
    [LISTEN_QUERY.momentSeq, momentSeq === 0 ? undefined : momentSeq],
    [LISTEN_QUERY.claim, claim],
  ];
  return values.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])).join("&");
}
