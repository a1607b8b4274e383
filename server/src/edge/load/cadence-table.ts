// The cadences as an edge uses them, and how a listener starts at or moves to one. load-watch.ts chooses.

import { CADENCE_LADDER, type CadenceRung, RESERVE, reserveAt, usualLagMs } from "@hustings/wire/listen/cadence.ts";
import { type Rendition, SLOT_MS } from "@hustings/wire/units.ts";

export interface CadenceRow extends CadenceRung {
  readonly reserveMs: number;
  /** Slots before the head for a newcomer: to play at once until the next push. */
  readonly firstSendSlots: number;
}

export interface CadenceAdvice {
  /** Newcomers start with it; others are asked to get ready for it. */
  readonly wanted: CadenceRow;
  /** The best rendition for newcomers, and for listeners that ask. */
  readonly rendition: Rendition;
  /** Call once per push with the bytes that had not left this process. */
  recordUnsent(unsentBytes: number): void;
}

/** A listener that was asked to change is moved after this time, ready or not. */
export const MOVE_TIMEOUT_MS = 300_000;
/** Spare time for a late push, and for the newest slot, which is incomplete. */
const FIRST_SEND_SPARE_MS = 400;
/** Some players need this to start. */
const MIN_FIRST_SEND_MS = 1_750;

/** Tables by reserve, in steps of `RESERVE.stepMs` from 0. */
const TABLES: readonly (readonly CadenceRow[])[] = Array.from(
  { length: RESERVE.mostMs / RESERVE.stepMs + 1 },
  (_, step) => CADENCE_LADDER.map((rung) => rowOf(rung, step * RESERVE.stepMs)),
);

/** Ascending, without a reserve. */
export const CADENCE_TABLE: readonly CadenceRow[] = tableWith(0);

export const FASTEST: CadenceRow = cadenceRow(CADENCE_LADDER[0]?.cadenceMs ?? 0);

/** Rounds the reserve up to a step. Equal arguments give the same object. Throws RangeError for other cadences. */
export function cadenceRow(cadenceMs: number, reserveMs = 0): CadenceRow {
  const row = tableWith(reserveMs).find((one) => one.cadenceMs === cadenceMs);
  if (!row) throw new RangeError(`${cadenceMs} ms is not in the cadence table`);
  return row;
}

function tableWith(reserveMs: number): readonly CadenceRow[] {
  const step = Math.ceil(Math.min(RESERVE.mostMs, Math.max(0, reserveMs)) / RESERVE.stepMs);
  return TABLES[step] as readonly CadenceRow[];
}

function rowOf(rung: CadenceRung, wantedReserveMs: number): CadenceRow {
  const reserveMs = reserveAt(rung.cadenceMs, wantedReserveMs);
  const firstSendMs = Math.max(MIN_FIRST_SEND_MS, usualLagMs(rung, reserveMs) + FIRST_SEND_SPARE_MS);
  return { ...rung, reserveMs, firstSendSlots: Math.ceil(firstSendMs / SLOT_MS) };
}

/** The wanted one; for a resuming listener no slower than its buffer allows. */
export function firstCadence(wanted: CadenceRow, isNew: boolean, heldCadenceMs: number): CadenceRow {
  if (isNew || heldCadenceMs >= wanted.cadenceMs) return wanted;
  return tableWith(wanted.reserveMs).findLast(({ cadenceMs }) => cadenceMs <= heldCadenceMs) ?? FASTEST;
}

/**
 * For a buffer ready for `readyMs`: `wanted` if that is faster, else the slowest that both allow. `undefined`: stay.
 */
export function nextCadence(now: CadenceRow, wanted: CadenceRow, readyMs: number): CadenceRow | undefined {
  if (wanted.cadenceMs <= now.cadenceMs) return wanted.cadenceMs === now.cadenceMs ? undefined : wanted;
  const mostMs = Math.min(readyMs, wanted.cadenceMs);
  return tableWith(wanted.reserveMs).findLast(({ cadenceMs }) => cadenceMs <= mostMs && cadenceMs > now.cadenceMs);
}
