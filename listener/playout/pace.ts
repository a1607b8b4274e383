// The playback rate, and the buffer that it aims at. SPEC.md §4, B6 and C1 to C5.

import { reserveAt } from "@hustings/wire/listen/cadence.ts";
import { type CadenceRow, cadenceRow } from "../session/cadence-table.ts";
import { BUFFER, rateFor, rateWindowMs, readyCadenceMs, usualAheadMs, wantedAheadMs } from "./buffer-policy.ts";

export class Pace {
  row: CadenceRow = cadenceRow(0);
  targetMs: number = this.row.targetMs;
  rate = 1;
  rateChanges = 0;
  #cadenceMs: number = this.row.cadenceMs;
  #reserveMs = 0;
  #targetRow: CadenceRow | undefined;
  #readySentMs: number | undefined;
  #troughMs = Infinity;
  #lastTroughMs = -Infinity;
  #windowSinceMs = 0;
  #calmSinceMs = 0;
  /** Lag left from a slower cadence; falls with the lag and never rises (C5). */
  #leftoverLagMs = 0;

  start(nowMs: number): void {
    this.#windowSinceMs = nowMs;
    this.#calmSinceMs = nowMs;
  }

  /** The buffer's target is that of the slower of `cadenceMs` and `leastMs`. */
  setCadence(cadenceMs: number, leastMs: number, nowMs: number): void {
    const row = cadenceRow(Math.max(cadenceMs, leastMs));
    if (row === this.row && cadenceMs === this.#cadenceMs) return;
    this.#leftoverLagMs = Math.max(this.#leftoverLagMs, this.usualLagMs);
    this.#cadenceMs = cadenceMs;
    if (this.#targetRow?.cadenceMs === cadenceMs) this.#targetRow = undefined;
    const isSame = row === this.row;
    this.row = row;
    if (!isSame) this.targetMs = this.#leastTargetMs;
    this.#restart(nowMs);
    if (this.#targetRow === undefined) this.#setRate(1);
  }

  /** A reserve counts only at the cadences that have one (C6). */
  setReserve(reserveMs: number): void {
    if (reserveMs === this.#reserveMs) return;
    this.#leftoverLagMs = Math.max(this.#leftoverLagMs, this.usualLagMs);
    const lateMs = this.targetMs - this.#leastTargetMs;
    this.#reserveMs = reserveMs;
    this.targetMs = this.#leastTargetMs + lateMs;
  }

  /** `undefined`, or the present cadence: prepare for none. */
  setTargetCadence(cadenceMs: number | undefined): void {
    const asked = cadenceMs === undefined || cadenceMs === this.#cadenceMs ? undefined : cadenceRow(cadenceMs);
    if (asked === this.#targetRow) return;
    this.#targetRow = asked;
    this.#readySentMs = undefined;
  }

  /** Forgets the last connection's target and `ready` messages (C4). */
  onNewConnection(): void {
    this.#targetRow = undefined;
    this.#readySentMs = undefined;
  }

  /** A cadence that the buffer now suffices for, on the way to the requested one; each is returned once. */
  takeReadyCadence(): number | undefined {
    if (this.#targetRow === undefined) return undefined;
    const heldMs = readyCadenceMs(this.#cadenceMs, this.#targetRow.cadenceMs, this.#lastTroughMs);
    if (heldMs === undefined || heldMs === this.#readySentMs) return undefined;
    this.#readySentMs = heldMs;
    return heldMs;
  }

  /** Ends the window after `cadences` pushes at the latest. */
  restart(nowMs: number, cadences: number): void {
    const windowMs = rateWindowMs(this.row);
    this.#restart(nowMs - windowMs + Math.min(windowMs, this.row.cadenceMs * cadences));
  }

  onGap(isFirst: boolean, nowMs: number): void {
    const mostMs = this.row.maxTargetMs + reserveAt(this.row.cadenceMs, this.#reserveMs);
    if (isFirst) this.targetMs = Math.min(mostMs, this.targetMs + BUFFER.targetStepMs);
    this.#calmSinceMs = nowMs;
  }

  /** Call before filler is written. */
  observe(aheadMs: number): void {
    this.#troughMs = Math.min(this.#troughMs, aheadMs);
  }

  /** Sets the rate at the end of each window. `lagMs`: behind the newest slot. */
  update(lagMs: number, isSound: boolean, nowMs: number): void {
    this.#leftoverLagMs = Math.min(this.#leftoverLagMs, lagMs);
    if (nowMs - this.#calmSinceMs >= BUFFER.calmMs) {
      this.targetMs = Math.max(this.#leastTargetMs, this.targetMs - BUFFER.targetStepMs);
      this.#calmSinceMs = nowMs;
    }
    const windowMs = rateWindowMs(this.row);
    if (nowMs - this.#windowSinceMs < windowMs) return;
    const wanted = wantedAheadMs(this.#cadenceMs, this.targetMs, this.#targetRow);
    this.#setRate(isSound ? rateFor(this.#troughMs, wanted, windowMs) : 1);
    this.#lastTroughMs = isSound ? this.#troughMs : -Infinity;
    this.#troughMs = Infinity;
    this.#windowSinceMs = nowMs;
  }

  get nextUpdateMs(): number {
    return this.#windowSinceMs + rateWindowMs(this.row);
  }

  get usualLagMs(): number {
    const askedMs = this.#targetRow ? usualAheadMs(this.#targetRow, this.#targetRow.targetMs) : 0;
    return Math.max(this.enterAheadMs, askedMs, this.#leftoverLagMs);
  }

  get enterAheadMs(): number {
    return usualAheadMs(this.row, this.targetMs);
  }

  get #leastTargetMs(): number {
    return this.row.targetMs + reserveAt(this.row.cadenceMs, this.#reserveMs);
  }

  #restart(sinceMs: number): void {
    this.#windowSinceMs = sinceMs;
    this.#troughMs = Infinity;
    this.#lastTroughMs = -Infinity;
    this.#readySentMs = undefined;
  }

  #setRate(rate: number): void {
    if (rate !== this.rate) this.rateChanges += 1;
    this.rate = rate;
  }
}
