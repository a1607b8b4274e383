// Owns what each cadence means for a listener at an edge: how far back a first flight begins; and what an edge wants of its
// listeners' cadence, as each of them reads it. Refuses to choose a cadence: load.ts does.

import { CADENCE_LADDER, type CadenceRung, RESERVE, reserveAt, usualLagMs } from "@hustings/wire/listen/cadence.ts";
import { type Rendition, SLOT_MS } from "@hustings/wire/units.ts";
import type { PushMember } from "./push-scheduler.ts";

export interface CadenceRow extends CadenceRung {
  /** What an edge asks to have ahead beyond the margin. */
  readonly reserveMs: number;
  /** Slots before the head with which a newcomer begins: enough to play at once and until the next push has come. */
  readonly firstSendSlots: number;
}

/** A listener that was asked to get ready for another cadence is moved after this long, ready or not. */
export const MOVE_TIMEOUT_MS = 300_000;
/** A push may be late, and the newest slot is not whole when a listener comes. */
const FIRST_SEND_SPARE_MS = 400;
/** A first flight is never shorter than this, for players that begin slowly. */
const MIN_FIRST_SEND_MS = 1_750;

/** Ascending, without a reserve. A push carries what came since the last, so a player needs one cadence and a margin for the way. */
export const CADENCE_TABLE: readonly CadenceRow[] = CADENCE_LADDER.map((rung) => rowOf(rung, 0));

const RESERVED = new Map<number, readonly CadenceRow[]>([[0, CADENCE_TABLE]]);

export const FASTEST = CADENCE_TABLE[0] as CadenceRow;

/** Throws RangeError unless the table has a row of `cadenceMs`. The same row each time for the same two numbers. */
export function cadenceRow(cadenceMs: number, reserveMs = 0): CadenceRow {
  const row = tableWith(reserveMs).find((one) => one.cadenceMs === cadenceMs);
  if (!row) throw new RangeError(`${cadenceMs} ms is no cadence of the table`);
  return row;
}

// A reserve is in whole steps, so there are few tables.
function tableWith(reserveMs: number): readonly CadenceRow[] {
  const stepsMs = Math.ceil(Math.min(RESERVE.mostMs, Math.max(0, reserveMs)) / RESERVE.stepMs) * RESERVE.stepMs;
  const table = RESERVED.get(stepsMs) ?? CADENCE_LADDER.map((rung) => rowOf(rung, stepsMs));
  RESERVED.set(stepsMs, table);
  return table;
}

function rowOf(rung: CadenceRung, wantedMs: number): CadenceRow {
  const reserveMs = reserveAt(rung.cadenceMs, wantedMs);
  const firstSendMs = Math.max(MIN_FIRST_SEND_MS, usualLagMs(rung, reserveMs) + FIRST_SEND_SPARE_MS);
  return { ...rung, reserveMs, firstSendSlots: Math.ceil(firstSendMs / SLOT_MS) };
}

/** What an edge wants now, one for all its listeners. */
export interface CadenceAdvice {
  /** For newcomers at once; those who listen already are asked. */
  readonly wanted: CadenceRow;
  /** The best that a newcomer is given, and anyone who asks. */
  readonly rendition: Rendition;
  /** From now on `member`, one of `group`, is visited so often. */
  move(member: PushMember, cadence: CadenceRow, group: object): void;
  /** A visit found so many bytes that had not left this process. */
  recordUnsent(unsentBytes: number): void;
}

/** Where a listener begins: a newcomer at what is wanted, who comes back no slower than its buffer holds. */
export function firstCadence(wanted: CadenceRow, isNew: boolean, heldCadenceMs: number): CadenceRow {
  if (isNew || heldCadenceMs >= wanted.cadenceMs) return wanted;
  return tableWith(wanted.reserveMs).findLast(({ cadenceMs }) => cadenceMs <= heldCadenceMs) ?? FASTEST;
}

/**
 * Where to move one at `now` whose buffer holds `readyMs`, on the way to what is wanted: the slowest that both allow, or
 * what is wanted where that is faster; `undefined`: it stays.
 */
export function nextCadence(now: CadenceRow, wanted: CadenceRow, readyMs: number): CadenceRow | undefined {
  if (wanted.cadenceMs <= now.cadenceMs) return wanted.cadenceMs === now.cadenceMs ? undefined : wanted;
  const mostMs = Math.min(readyMs, wanted.cadenceMs);
  return tableWith(wanted.reserveMs).findLast(({ cadenceMs }) => cadenceMs <= mostMs && cadenceMs > now.cadenceMs);
}
