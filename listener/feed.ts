// Owns what a player is told of its session at each step. Refuses to keep anything.

import type { Feed } from "./playout.ts";
import type { Session } from "./session.ts";

/** The session as the buffer policy sees it, now. */
export function feedOf(session: Session): Feed {
  const { state, order, headSlot, upstreamAway, link, waiting } = session;
  const nextSlot = order.next;
  const isHold = (slot: number) => session.air.at(slot).air === "hold";
  const isHeldNext = state.seq > 0 && (state.phase !== "live" || isHold(nextSlot ?? headSlot ?? 0));
  const isNewInLine = waiting !== undefined && nextSlot === undefined;
  return {
    nextSlot,
    headSlot,
    expecting: isHeldNext || isNewInLine ? "hold" : upstreamAway ? "away" : "voice",
    isOver: link === "ended" || link === "refused",
    isHold,
    anchors: state.anchors,
    gaps: state.gaps,
    absences: state.absences,
    edgeUtcMs: session.edgeUtcMs(),
    cadenceMs: session.cadenceMs,
    targetCadenceMs: session.targetCadenceMs,
    rendition: session.rendition,
  };
}
