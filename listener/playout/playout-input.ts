// The input that the buffer policy gets from the session at each step.

import type { Anchor, SlotRange } from "@hustings/wire/slots.ts";
import type { Rendition } from "@hustings/wire/units.ts";
import type { Session } from "../session/session.ts";

export interface PlayoutInput {
  readonly nextSlot: number | undefined;
  readonly headSlot: number | undefined;
  /** The content that is due in the next slot; `away`: none, because the stage is away. */
  readonly expecting: "voice" | "hold" | "away";
  readonly isOver: boolean;
  readonly isHold: (slot: number) => boolean;
  readonly anchors: readonly Anchor[];
  readonly gaps: readonly SlotRange[];
  readonly absences: readonly SlotRange[];
  readonly edgeUtcMs: number;
  /** The cadence of pushes, and the requested one. */
  readonly cadenceMs: number;
  readonly targetCadenceMs: number | undefined;
  readonly reserveMs: number;
  readonly rendition: Rendition;
}

export function playoutInputOf(session: Session): PlayoutInput {
  const { state, order, headSlot, isStageAway, link, waiting } = session;
  const nextSlot = order.next;
  const isHold = (slot: number) => session.onAir.at(slot).air === "hold";
  const isNextHold = state.seq > 0 && (state.phase !== "live" || isHold(nextSlot ?? headSlot ?? 0));
  const isNewInQueue = waiting !== undefined && nextSlot === undefined;
  return {
    nextSlot,
    headSlot,
    expecting: isNextHold || isNewInQueue ? "hold" : isStageAway ? "away" : "voice",
    isOver: link === "ended" || link === "refused",
    isHold,
    anchors: state.anchors,
    gaps: state.gaps,
    absences: state.absences,
    edgeUtcMs: session.edgeUtcMs(),
    cadenceMs: session.cadenceMs,
    targetCadenceMs: session.targetCadenceMs,
    reserveMs: session.reserveMs,
    rendition: session.rendition,
  };
}
