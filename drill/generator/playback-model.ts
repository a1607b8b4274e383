// Models what thousands of listeners would hear: the player's policy (listener/playout/) computed from arrival to
// arrival. playback-model.test.ts compares it with listener/playout/playout.ts.

import { BUFFER, entryAheadMs } from "@hustings/listener/playout/buffer-policy.ts";
import { type DeclaredGaps, elapsedSlots, slotAfter } from "@hustings/listener/playout/elapsed-slots.ts";
import { Pace } from "@hustings/listener/playout/pace.ts";
import { SLOT_MS } from "@hustings/wire/units.ts";
import type { Counts } from "../record/crowd-report.ts";

/** The expected content of a slot that has not come. `nothing`: this listener is excluded from the measures. */
export type Expecting = "voice" | "hold" | "away" | "nothing";

/** Playing nothing for this long is a cut. */
export const CUT_MS = 15_000;

/** `entering`: the first flight is arriving. `playing`: sound or filler plays. */
const PLAYBACK = { silent: 0, entering: 1, playing: 2 } as const;

export interface SnapshotPosition {
  readonly headSlot: number;
  readonly nextSlot: number;
  readonly cadenceMs: number;
  readonly reserveMs?: number;
}

export interface PlaybackEvents {
  started(i: number): void;
  filled(i: number, gapMs: number): void;
  expecting(i: number): Expecting;
}

export class PlaybackModel {
  readonly #counts: Counts;
  readonly #events: PlaybackEvents;
  readonly #paces: Pace[] = [];
  readonly #state: Uint8Array;
  /** Sound and filler ahead of the playhead at `#atMs`. */
  readonly #aheadMs: Float64Array;
  readonly #atMs: Float64Array;
  readonly #fillerMs: Float64Array;
  /** The part of `#fillerMs` that counts as a gap. */
  readonly #gapMs: Float64Array;
  readonly #silentSinceMs: Float64Array;
  readonly #joinSlot: Float64Array;
  readonly #isCut: Uint8Array;
  /** The cadence that the edge requested and has not set yet; 0: none. */
  readonly #requestedMs: Uint16Array;
  readonly gapSinceFaultMs: Float64Array;

  constructor(capacity: number, counts: Counts, events: PlaybackEvents) {
    this.#counts = counts;
    this.#events = events;
    this.#state = new Uint8Array(capacity);
    this.#aheadMs = new Float64Array(capacity);
    this.#atMs = new Float64Array(capacity);
    this.#fillerMs = new Float64Array(capacity);
    this.#gapMs = new Float64Array(capacity);
    this.#silentSinceMs = new Float64Array(capacity);
    this.#joinSlot = new Float64Array(capacity);
    this.#isCut = new Uint8Array(capacity);
    this.#requestedMs = new Uint16Array(capacity);
    this.gapSinceFaultMs = new Float64Array(capacity);
  }

  tap(i: number, nowMs: number): void {
    const pace = new Pace();
    pace.start(nowMs);
    this.#paces[i] = pace;
    this.#state[i] = PLAYBACK.silent;
    this.#joinSlot[i] = -1;
    this.#fillerMs[i] = this.#gapMs[i] = this.#silentSinceMs[i] = this.#isCut[i] = this.gapSinceFaultMs[i] = 0;
    this.#requestedMs[i] = 0;
  }

  leave(i: number): void {
    this.#state[i] = PLAYBACK.silent;
    delete this.#paces[i];
  }

  isPlaying(i: number): boolean {
    return this.#state[i] === PLAYBACK.playing && this.#silentSinceMs[i] === 0;
  }

  hasStarted(i: number): boolean {
    return this.#state[i] === PLAYBACK.playing;
  }

  aheadMs(i: number): number {
    return this.#aheadMs[i] as number;
  }

  /** A connection begins. Returns the slot that the player jumps to if it is too far behind, else −1. */
  onSnapshot(
    i: number,
    { headSlot, nextSlot, cadenceMs, reserveMs = 0 }: SnapshotPosition,
    declared: DeclaredGaps,
    nowMs: number,
  ): number {
    const pace = this.#paces[i] as Pace;
    pace.onNewConnection();
    this.#requestedMs[i] = 0;
    pace.setReserve(reserveMs);
    pace.setCadence(cadenceMs, 0, nowMs);
    if (this.#state[i] !== PLAYBACK.silent) return this.#jumpBeforeArrival(i, headSlot, nextSlot, declared, nowMs);
    this.#joinSlot[i] = Math.max(nextSlot, headSlot + 1 - Math.ceil(pace.enterAheadMs / SLOT_MS));
    return -1;
  }

  onCadence(i: number, cadenceMs: number, nowMs: number): void {
    this.#paces[i]?.setCadence(cadenceMs, 0, nowMs);
    if (this.#requestedMs[i] === cadenceMs) this.#requestedMs[i] = 0;
  }

  hasCadenceRequest(i: number): boolean {
    return this.#requestedMs[i] !== 0;
  }

  onCadenceRequest(i: number, cadenceMs: number, reserveMs: number): void {
    this.#paces[i]?.setTargetCadence(cadenceMs);
    this.#requestedMs[i] = cadenceMs === this.#paces[i]?.row.cadenceMs ? 0 : cadenceMs;
    this.#paces[i]?.setReserve(reserveMs);
  }

  /** Slots `[from, to)` arrived, after `absentSlots` that do not exist and in which time passes. */
  sound(i: number, from: number, to: number, absentSlots: number, nowMs: number): void {
    if (this.#state[i] === PLAYBACK.silent) this.#startEntering(i, nowMs);
    if (this.#state[i] === PLAYBACK.entering) {
      this.#aheadMs[i] =
        (this.#aheadMs[i] as number) + Math.max(0, to - Math.max(from, this.#joinSlot[i] as number)) * SLOT_MS;
      return;
    }
    this.#advance(i, nowMs);
    this.#endGap(i, absentSlots * SLOT_MS);
    this.#aheadMs[i] = (this.#aheadMs[i] as number) + (to - from) * SLOT_MS;
    this.#jumpWithin(i);
  }

  /** Call when all of the first flight that arrived together is read. `ageMs`: age of its newest slot. */
  startPlayback(i: number, ageMs: number, nowMs: number): void {
    if (this.#state[i] !== PLAYBACK.entering) return;
    const pace = this.#paces[i] as Pace;
    this.#state[i] = PLAYBACK.playing;
    this.#aheadMs[i] = Math.min(this.#aheadMs[i] as number, entryAheadMs(pace.row, pace.targetMs, ageMs, 0));
    this.#atMs[i] = nowMs;
    pace.restart(nowMs, 3);
    this.#events.started(i);
  }

  /** Advances to `nowMs`. Returns the requested cadence once the listener is ready for it, else 0. */
  advanceTo(i: number, nowMs: number): number {
    if (this.#state[i] !== PLAYBACK.playing) return 0;
    this.#advance(i, nowMs);
    const silentSinceMs = this.#silentSinceMs[i] as number;
    const isLong = silentSinceMs > 0 && nowMs - silentSinceMs >= CUT_MS && this.#isCut[i] === 0;
    if (isLong && ["voice", "away"].includes(this.#events.expecting(i))) {
      this.#isCut[i] = 1;
      this.#counts.cuts++;
    }
    return (this.#paces[i] as Pace).takeReadyCadence() ?? 0;
  }

  #startEntering(i: number, nowMs: number): void {
    this.#state[i] = PLAYBACK.entering;
    this.#aheadMs[i] = 0;
    this.#atMs[i] = nowMs;
  }

  // Change the rate exactly when the player would, or a push in between would count for the wrong window.
  #advance(i: number, nowMs: number): void {
    const pace = this.#paces[i] as Pace;
    for (let dueMs = pace.nextUpdateMs; dueMs < nowMs && dueMs > (this.#atMs[i] as number); dueMs = pace.nextUpdateMs)
      this.#pass(i, pace, dueMs);
    this.#pass(i, pace, nowMs);
  }

  #pass(i: number, pace: Pace, nowMs: number): void {
    const passedMs = nowMs - (this.#atMs[i] as number);
    const aheadMs = (this.#aheadMs[i] as number) - passedMs * pace.rate;
    this.#atMs[i] = nowMs;
    this.#aheadMs[i] = aheadMs;
    pace.observe(aheadMs);
    if (aheadMs < pace.row.lowMs) this.#fill(i, aheadMs, nowMs);
    const fillerMs = this.#fillerMs[i] as number;
    const isSilent = fillerMs > 0 && (this.#aheadMs[i] as number) <= fillerMs;
    if (isSilent && this.#silentSinceMs[i] === 0)
      this.#silentSinceMs[i] = nowMs - Math.max(0, fillerMs - (this.#aheadMs[i] as number));
    pace.update(this.#aheadMs[i] as number, !isSilent, nowMs);
  }

  #fill(i: number, aheadMs: number, nowMs: number): void {
    const pace = this.#paces[i] as Pace;
    const expecting = this.#events.expecting(i);
    const addedMs = Math.ceil((pace.row.lowMs - aheadMs) / BUFFER.fillerMs) * BUFFER.fillerMs;
    if (expecting === "hold") this.#counts.heldMs += addedMs;
    else if (expecting === "away") this.#counts.awayMs += addedMs;
    else if (expecting === "voice") {
      const isFirst = this.#fillerMs[i] === 0;
      if (isFirst) this.#counts.gaps++;
      pace.onGap(isFirst, nowMs);
      this.#counts.gapMs += addedMs;
      this.#gapMs[i] = (this.#gapMs[i] as number) + addedMs;
      this.gapSinceFaultMs[i] = (this.gapSinceFaultMs[i] as number) + addedMs;
    }
    this.#fillerMs[i] = (this.#fillerMs[i] as number) + addedMs;
    this.#aheadMs[i] = aheadMs + addedMs;
  }

  /** Filler that stood in for absent slots counts as their time. */
  #endGap(i: number, absentMs: number): void {
    const fillerMs = this.#fillerMs[i] as number;
    if (absentMs > 0) this.#aheadMs[i] = (this.#aheadMs[i] as number) + Math.max(0, absentMs - fillerMs);
    if (fillerMs === 0) return;
    this.#fillerMs[i] = this.#silentSinceMs[i] = this.#isCut[i] = 0;
    if (this.#gapMs[i] === 0) return;
    this.#events.filled(i, this.#gapMs[i] as number);
    this.#gapMs[i] = 0;
  }

  #jumpWithin(i: number): void {
    const aheadMs = this.#aheadMs[i] as number;
    const beyondMs = aheadMs - (this.#paces[i] as Pace).usualLagMs;
    if (beyondMs < BUFFER.jumpBeyondMs) return;
    this.#aheadMs[i] = aheadMs - beyondMs;
    this.#countJump(i, Math.round(beyondMs / SLOT_MS));
  }

  /** Chooses the slots to skip if sound that has not arrived would make the buffer too long. */
  #jumpBeforeArrival(i: number, headSlot: number, nextSlot: number, declared: DeclaredGaps, nowMs: number): number {
    if (this.#state[i] !== PLAYBACK.playing) return -1;
    this.#advance(i, nowMs);
    const missing = elapsedSlots(nextSlot, headSlot + 1, declared);
    const beyondMs = (this.#aheadMs[i] as number) + missing * SLOT_MS - (this.#paces[i] as Pace).usualLagMs;
    if (beyondMs < BUFFER.jumpBeyondMs) return -1;
    const slots = Math.min(missing, Math.ceil(beyondMs / SLOT_MS));
    this.#countJump(i, slots);
    return slotAfter(nextSlot, slots, declared);
  }

  #countJump(i: number, slots: number): void {
    if (this.#events.expecting(i) === "nothing") return;
    this.#counts.jumps++;
    this.#counts.skippedSlots += slots;
  }
}
