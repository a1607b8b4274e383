// Owns what a player is told of its session at each step. Refuses to keep anything.

import type { Anchor, SlotRange } from "@hustings/wire/slots.ts";
import type { Rendition } from "@hustings/wire/units.ts";
import type { Session } from "../session/session.ts";

/** What the player knows of the space as the playhead moves. */
export interface PlayoutInput {
  /** The slot whose turn it is to come; `undefined` before the first. */
  readonly nextSlot: number | undefined;
  readonly headSlot: number | undefined;
  /** What the next slot is expected to bring: words, hold music, or nothing as the stage is away. */
  readonly expecting: "voice" | "hold" | "away";
  /** Nothing more will come. */
  readonly isOver: boolean;
  /** Whether hold music is on air at a slot. */
  readonly isHold: (slot: number) => boolean;
  readonly anchors: readonly Anchor[];
  readonly gaps: readonly SlotRange[];
  readonly absences: readonly SlotRange[];
  /** The edge's clock now. */
  readonly edgeUtcMs: number;
  /** How far apart pushes come, and how far apart the edge would like them to. */
  readonly cadenceMs: number;
  readonly targetCadenceMs: number | undefined;
  /** What the edge would like ahead beyond the cadence's margin. */
  readonly reserveMs: number;
  readonly rendition: Rendition;
}

/** The session as the buffer policy sees it, now. */
export function playoutInputOf(session: Session): PlayoutInput {
  const { state, order, headSlot, isStageAway, link, waiting } = session;
  const nextSlot = order.next;
  const isHold = (slot: number) => session.onAir.at(slot).air === "hold";
  const isHeldNext = state.seq > 0 && (state.phase !== "live" || isHold(nextSlot ?? headSlot ?? 0));
  const isNewInLine = waiting !== undefined && nextSlot === undefined;
  return {
    nextSlot,
    headSlot,
    expecting: isHeldNext || isNewInLine ? "hold" : isStageAway ? "away" : "voice",
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
