// Owns how much should be ahead of the playhead, the rate that leads there, and when the buffer holds enough for another
// cadence. Refuses to know what is played and where it comes from. SPEC.md §4, B6 and C1 to C5.

import { reserveAt } from "@hustings/wire/listen/cadence.ts";
import { type CadenceRow, cadenceRow } from "../session/cadence-table.ts";
import { BUFFER, rateFor, rateWindowMs, readyCadenceMs, usualAheadMs, wantedAheadMs } from "./buffer-policy.ts";

export class Pace {
  row: CadenceRow = cadenceRow(0);
  /** What should be ahead just before the next push, by the row, the reserve, and how late words came. */
  targetMs: number = this.row.targetMs;
  rate = 1;
  rateChanges = 0;
  #cadenceMs: number = this.row.cadenceMs;
  #reserveMs = 0;
  #targetRow: CadenceRow | undefined;
  /** The cadence that was last said to be held. */
  #readySentMs: number | undefined;
  #troughMs = Infinity;
  #lastTroughMs = -Infinity;
  #windowSinceMs = 0;
  #calmSinceMs = 0;
  /** What a listener who was moved to a faster cadence is still behind by it. */
  #leftoverLagMs = 0;

  start(nowMs: number): void {
    this.#windowSinceMs = nowMs;
    this.#calmSinceMs = nowMs;
  }

  /** Pushes come `cadenceMs` apart; the buffer is that of pushes `leastMs` apart where that is more. */
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

  /** So much is wanted ahead beyond the row's target, at the cadences at which a reserve counts. */
  setReserve(reserveMs: number): void {
    if (reserveMs === this.#reserveMs) return;
    this.#leftoverLagMs = Math.max(this.#leftoverLagMs, this.usualLagMs);
    const lateMs = this.targetMs - this.#leastTargetMs;
    this.#reserveMs = reserveMs;
    this.targetMs = this.#leastTargetMs + lateMs;
  }

  /** The edge would like to push this far apart; `undefined`, or the cadence there is: as it does. */
  setTargetCadence(cadenceMs: number | undefined): void {
    const asked = cadenceMs === undefined || cadenceMs === this.#cadenceMs ? undefined : cadenceRow(cadenceMs);
    if (asked === this.#targetRow) return;
    this.#targetRow = asked;
    this.#readySentMs = undefined;
  }

  /** Another connection: what was said on the last one does not count. */
  onNewConnection(): void {
    this.#targetRow = undefined;
    this.#readySentMs = undefined;
  }

  /** A cadence that the buffer holds, on the way to the one that was asked for; each is given once. */
  takeReadyCadence(): number | undefined {
    if (this.#targetRow === undefined) return undefined;
    const heldMs = readyCadenceMs(this.#cadenceMs, this.#targetRow.cadenceMs, this.#lastTroughMs);
    if (heldMs === undefined || heldMs === this.#readySentMs) return undefined;
    this.#readySentMs = heldMs;
    return heldMs;
  }

  /** What is ahead says nothing of how sound comes until `cadences` pushes have come. */
  restart(nowMs: number, cadences: number): void {
    const windowMs = rateWindowMs(this.row);
    this.#restart(nowMs - windowMs + Math.min(windowMs, this.row.cadenceMs * cadences));
  }

  /** Words came late: more is wanted ahead. */
  onGap(isFirst: boolean, nowMs: number): void {
    const mostMs = this.row.maxTargetMs + reserveAt(this.row.cadenceMs, this.#reserveMs);
    if (isFirst) this.targetMs = Math.min(mostMs, this.targetMs + BUFFER.targetStepMs);
    this.#calmSinceMs = nowMs;
  }

  /** Called as the playhead moves, before filler goes in. */
  observe(aheadMs: number): void {
    this.#troughMs = Math.min(this.#troughMs, aheadMs);
  }

  /** The rate from now on; `lagMs` is how far the playhead is behind the newest sound. */
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

  /** When the rate is judged next, by the times given to `step`. */
  get nextUpdateMs(): number {
    return this.#windowSinceMs + rateWindowMs(this.row);
  }

  /** How far behind a listener is who is where they should be: by the cadence there is, was, or is built up for. */
  get usualLagMs(): number {
    const askedMs = this.#targetRow ? usualAheadMs(this.#targetRow, this.#targetRow.targetMs) : 0;
    return Math.max(this.enterAheadMs, askedMs, this.#leftoverLagMs);
  }

  /** What is ahead just after a push. */
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
