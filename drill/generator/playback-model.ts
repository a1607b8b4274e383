// Owns what each of thousands of listeners would hear: the player's own policy (listener/playout/pace.ts, listener/playout/buffer-policy.ts) at
// work on the times at which slots came, in closed form between them instead of ten steps a second. Refuses to know
// sockets and bytes. playback-model.test.ts holds it to listener/playout/playout.ts.

import { BUFFER, entryAheadMs } from "@hustings/listener/playout/buffer-policy.ts";
import { type DeclaredGaps, elapsedSlots, slotAfter } from "@hustings/listener/playout/elapsed-slots.ts";
import { Pace } from "@hustings/listener/playout/pace.ts";
import { SLOT_MS } from "@hustings/wire/units.ts";
import type { Counts } from "../record/crowd-report.ts";

/** What a slot that has not come is expected to bring. `nothing`: this listener is not judged. */
export type Expecting = "voice" | "hold" | "away" | "nothing";

/** Standing still for so long is a cut. */
export const CUT_MS = 15_000;

const EAR = { silent: 0, entering: 1, playing: 2 } as const;

/** Of a snapshot: the newest slot, the first that was wanted, and how much should be ahead. */
export interface Meeting {
  readonly headSlot: number;
  readonly nextSlot: number;
  readonly cadenceMs: number;
  readonly reserveMs?: number;
}

export interface EarEvents {
  /** The first sound of the space is at the playhead. */
  started(i: number): void;
  /** A gap ended that took so much filler. */
  filled(i: number, gapMs: number): void;
  /** What is waited for at this place. */
  expecting(i: number): Expecting;
}

export class EarModel {
  readonly #counts: Counts;
  readonly #events: EarEvents;
  readonly #paces: Pace[] = [];
  readonly #ear: Uint8Array;
  readonly #aheadMs: Float64Array;
  readonly #atMs: Float64Array;
  /** Local filler since the last sound, of it what counts as a gap, and since when nothing was heard (0: something is). */
  readonly #waitedMs: Float64Array;
  readonly #gapMs: Float64Array;
  readonly #dryAtMs: Float64Array;
  readonly #joinSlot: Float64Array;
  readonly #isCut: Uint8Array;
  /** The cadence that they were asked for and have not been moved to; 0: none. */
  readonly #askedMs: Uint16Array;
  /** Filler in place of words since the mark. */
  readonly gapSinceMarkMs: Float64Array;

  constructor(places: number, counts: Counts, events: EarEvents) {
    this.#counts = counts;
    this.#events = events;
    this.#ear = new Uint8Array(places);
    this.#aheadMs = new Float64Array(places);
    this.#atMs = new Float64Array(places);
    this.#waitedMs = new Float64Array(places);
    this.#gapMs = new Float64Array(places);
    this.#dryAtMs = new Float64Array(places);
    this.#joinSlot = new Float64Array(places);
    this.#isCut = new Uint8Array(places);
    this.#askedMs = new Uint16Array(places);
    this.gapSinceMarkMs = new Float64Array(places);
  }

  /** Somebody taps at place `i`; what was there before is forgotten. */
  tap(i: number, nowMs: number): void {
    const pace = new Pace();
    pace.start(nowMs);
    this.#paces[i] = pace;
    this.#ear[i] = EAR.silent;
    this.#joinSlot[i] = -1;
    this.#waitedMs[i] = this.#gapMs[i] = this.#dryAtMs[i] = this.#isCut[i] = this.gapSinceMarkMs[i] = 0;
    this.#askedMs[i] = 0;
  }

  /** Listens no more. */
  leave(i: number): void {
    this.#ear[i] = EAR.silent;
    delete this.#paces[i];
  }

  isPlaying(i: number): boolean {
    return this.#ear[i] === EAR.playing && this.#dryAtMs[i] === 0;
  }

  hasStarted(i: number): boolean {
    return this.#ear[i] === EAR.playing;
  }

  aheadMs(i: number): number {
    return this.#aheadMs[i] as number;
  }

  /** The first word of a connection. Answers the slot to go on from where the player passes over some, else −1. */
  meet(
    i: number,
    { headSlot, nextSlot, cadenceMs, reserveMs = 0 }: Meeting,
    declared: DeclaredGaps,
    nowMs: number,
  ): number {
    const pace = this.#paces[i] as Pace;
    pace.onNewConnection();
    this.#askedMs[i] = 0;
    pace.setReserve(reserveMs);
    pace.setCadence(cadenceMs, 0, nowMs);
    if (this.#ear[i] !== EAR.silent) return this.#passOver(i, headSlot, nextSlot, declared, nowMs);
    this.#joinSlot[i] = Math.max(nextSlot, headSlot + 1 - Math.ceil(pace.enterAheadMs / SLOT_MS));
    return -1;
  }

  moved(i: number, cadenceMs: number, nowMs: number): void {
    this.#paces[i]?.setCadence(cadenceMs, 0, nowMs);
    if (this.#askedMs[i] === cadenceMs) this.#askedMs[i] = 0;
  }

  /** Whether they were asked for another cadence than they have. */
  isAsked(i: number): boolean {
    return this.#askedMs[i] !== 0;
  }

  asked(i: number, cadenceMs: number, reserveMs: number): void {
    this.#paces[i]?.setTargetCadence(cadenceMs);
    this.#askedMs[i] = cadenceMs === this.#paces[i]?.row.cadenceMs ? 0 : cadenceMs;
    this.#paces[i]?.setReserve(reserveMs);
  }

  /** Slots `[from, to)` came, behind `absentSlots` that do not exist and in which time passes. */
  sound(i: number, from: number, to: number, absentSlots: number, nowMs: number): void {
    if (this.#ear[i] === EAR.silent) this.#enterLater(i, nowMs);
    if (this.#ear[i] === EAR.entering) {
      this.#aheadMs[i] =
        (this.#aheadMs[i] as number) + Math.max(0, to - Math.max(from, this.#joinSlot[i] as number)) * SLOT_MS;
      return;
    }
    this.#advance(i, nowMs);
    this.#endWait(i, absentSlots * SLOT_MS);
    this.#aheadMs[i] = (this.#aheadMs[i] as number) + (to - from) * SLOT_MS;
    this.#jumpWithin(i);
  }

  /** Into the first flight: called when all of it that came at once is here. `ageMs`: how old its newest slot is. */
  enter(i: number, ageMs: number, nowMs: number): void {
    if (this.#ear[i] !== EAR.entering) return;
    const pace = this.#paces[i] as Pace;
    this.#ear[i] = EAR.playing;
    this.#aheadMs[i] = Math.min(this.#aheadMs[i] as number, entryAheadMs(pace.row, pace.targetMs, ageMs, 0));
    this.#atMs[i] = nowMs;
    pace.restart(nowMs, 3);
    this.#events.started(i);
  }

  /** Time passed and nothing need have come. Answers a cadence to say ready for, or 0. */
  look(i: number, nowMs: number): number {
    if (this.#ear[i] !== EAR.playing) return 0;
    this.#advance(i, nowMs);
    const dryAtMs = this.#dryAtMs[i] as number;
    const isLong = dryAtMs > 0 && nowMs - dryAtMs >= CUT_MS && this.#isCut[i] === 0;
    if (isLong && ["voice", "away"].includes(this.#events.expecting(i))) {
      this.#isCut[i] = 1;
      this.#counts.cuts++;
    }
    return (this.#paces[i] as Pace).takeReadyCadence() ?? 0;
  }

  #enterLater(i: number, nowMs: number): void {
    this.#ear[i] = EAR.entering;
    this.#aheadMs[i] = 0;
    this.#atMs[i] = nowMs;
  }

  // The rate changes when the player would change it, and not when somebody looks: a push between the two would count for
  // another window, and the buffer go another way for as long.
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
    const waitedMs = this.#waitedMs[i] as number;
    const isDry = waitedMs > 0 && (this.#aheadMs[i] as number) <= waitedMs;
    if (isDry && this.#dryAtMs[i] === 0)
      this.#dryAtMs[i] = nowMs - Math.max(0, waitedMs - (this.#aheadMs[i] as number));
    pace.update(this.#aheadMs[i] as number, !isDry, nowMs);
  }

  #fill(i: number, aheadMs: number, nowMs: number): void {
    const pace = this.#paces[i] as Pace;
    const expecting = this.#events.expecting(i);
    const addedMs = Math.ceil((pace.row.lowMs - aheadMs) / BUFFER.fillerMs) * BUFFER.fillerMs;
    if (expecting === "hold") this.#counts.heldMs += addedMs;
    else if (expecting === "away") this.#counts.awayMs += addedMs;
    else if (expecting === "voice") {
      const isFirst = this.#waitedMs[i] === 0;
      if (isFirst) this.#counts.gaps++;
      pace.onGap(isFirst, nowMs);
      this.#counts.gapMs += addedMs;
      this.#gapMs[i] = (this.#gapMs[i] as number) + addedMs;
      this.gapSinceMarkMs[i] = (this.gapSinceMarkMs[i] as number) + addedMs;
    }
    this.#waitedMs[i] = (this.#waitedMs[i] as number) + addedMs;
    this.#aheadMs[i] = aheadMs + addedMs;
  }

  /** Filler that was played while waiting for slots that are absent counts as theirs. */
  #endWait(i: number, absentMs: number): void {
    const waitedMs = this.#waitedMs[i] as number;
    if (absentMs > 0) this.#aheadMs[i] = (this.#aheadMs[i] as number) + Math.max(0, absentMs - waitedMs);
    if (waitedMs === 0) return;
    this.#waitedMs[i] = this.#dryAtMs[i] = this.#isCut[i] = 0;
    if (this.#gapMs[i] === 0) return;
    this.#events.filled(i, this.#gapMs[i] as number);
    this.#gapMs[i] = 0;
  }

  /** Too far behind in what is here already: the oldest of it is skipped. */
  #jumpWithin(i: number): void {
    const aheadMs = this.#aheadMs[i] as number;
    const beyondMs = aheadMs - (this.#paces[i] as Pace).usualLagMs;
    if (beyondMs < BUFFER.jumpBeyondMs) return;
    const droppedMs = beyondMs - BUFFER.landBeyondMs;
    this.#aheadMs[i] = aheadMs - droppedMs;
    this.#jumped(i, Math.round(droppedMs / SLOT_MS));
  }

  /** Too far behind in what has not come: it is passed over before it does. */
  #passOver(i: number, headSlot: number, nextSlot: number, declared: DeclaredGaps, nowMs: number): number {
    if (this.#ear[i] !== EAR.playing) return -1;
    this.#advance(i, nowMs);
    const missing = elapsedSlots(nextSlot, headSlot + 1, declared);
    const beyondMs = (this.#aheadMs[i] as number) + missing * SLOT_MS - (this.#paces[i] as Pace).usualLagMs;
    if (beyondMs < BUFFER.jumpBeyondMs) return -1;
    const slots = Math.min(missing, Math.ceil((beyondMs - BUFFER.landBeyondMs) / SLOT_MS));
    this.#jumped(i, slots);
    return slotAfter(nextSlot, slots, declared);
  }

  #jumped(i: number, slots: number): void {
    if (this.#events.expecting(i) === "nothing") return;
    this.#counts.jumps++;
    this.#counts.skippedSlots += slots;
  }
}
