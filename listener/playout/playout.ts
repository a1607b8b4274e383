// The buffer policy of both players. The player reports its playhead and gets advice. SPEC.md §4.

import { fillerPackets } from "@hustings/media/container/filler.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { clockStepsAfter, utcOfSlot } from "@hustings/wire/slots.ts";
import {
  FRAGMENT_PACKETS,
  PACKET_MS,
  PACKET_SAMPLES,
  type Rendition,
  SAMPLE_RATE_HZ,
  SLOT_MS,
  SLOT_SAMPLES,
  USUAL_RENDITION,
} from "@hustings/wire/units.ts";
import type { ConnectionAdvice } from "../session/session-options.ts";
import type { BreakReason, SlotSink } from "../session/slot-order.ts";
import { BUFFER, entryAheadMs } from "./buffer-policy.ts";
import { EAR_TABLE, type EarEvent, type EarState } from "./ear-states.ts";
import { type DeclaredGaps, elapsedSlots, slotAfter } from "./elapsed-slots.ts";
import { Histogram } from "./histogram.ts";
import { Pace } from "./pace.ts";
import type { PlayoutInput } from "./playout-input.ts";
import { RenditionChoice } from "./rendition-choice.ts";
import { Timeline, type TimelinePosition } from "./timeline.ts";

/** Each call starts where the last ended; no packets if only slots are read. */
export type WritePackets = (atSamples: number, packets: readonly Uint8Array[], slot: number) => void;

export interface SnapshotPosition {
  /** The slot to deliver next, past declared absences; `undefined` before the first. */
  readonly turnSlot?: number | undefined;
  readonly headSlot: number | null;
  readonly nextSlot: number | null;
  readonly cadenceMs: number;
  readonly reserveMs?: number;
  readonly state: DeclaredGaps;
}

export interface PlayoutAdvice extends ConnectionAdvice {
  readonly rate: number;
  readonly aheadMs: number;
  /** The playhead jumps over everything in between. */
  readonly seekToSamples?: number;
}

export interface PlayoutCounts {
  heardSamples: number;
  gaps: number;
  gapMs: number;
  awayMs: number;
  heldMs: number;
  skippedSlots: number;
  jumps: number;
  absentSlots: number;
  firstSoundMs: number | undefined;
  mouthToEarMs: number | undefined;
}

const SAMPLES_PER_MS = SAMPLE_RATE_HZ / 1000;
const PREROLL_PACKETS = 4;
const FILLER = fillerPackets(0);
const HOLD_AFTER_MS = 2_000;
const JUMPING_MS = 4_000;
const EMPTY_MS = 60;

export class Playout implements SlotSink {
  readonly timeline = new Timeline();
  readonly mouthToEar = new Histogram();
  readonly counts: PlayoutCounts = {
    heardSamples: 0,
    gaps: 0,
    gapMs: 0,
    awayMs: 0,
    heldMs: 0,
    skippedSlots: 0,
    jumps: 0,
    absentSlots: 0,
    firstSoundMs: undefined,
    mouthToEarMs: undefined,
  };
  ear: EarState = "idle";
  aheadMs = 0;
  lagMs = 0;
  readonly pace = new Pace();
  /** Filler per write; more when the player's timers are slow. */
  fillerMs: number = BUFFER.fillerMs;
  leastCadenceMs = 0;
  seekMs = 0;

  readonly #write: WritePackets;
  readonly #onLevels: ((atSamples: number, levels: readonly SeatLevel[]) => void) | undefined;
  readonly #rendition: RenditionChoice;
  #playhead = 0;
  #tappedMs = 0;
  /** `undefined`: the first that comes. */
  #joinSlot: number | undefined;
  #joined = false;
  #preroll: readonly Uint8Array[] = [];
  /** Position of the first sound, until the playhead is there. */
  #joinSamples: number | undefined;
  #input: PlayoutInput | undefined;
  #fillerSamples = 0;
  #measuredSlot = -1;
  #jumpedMs = -Infinity;
  #nowMs = 0;
  #isJumpAsked = false;
  /** Where the sound ends, if it was padded after the end of the space. */
  #overSamples: number | undefined;

  constructor(
    write: WritePackets,
    onLevels?: (atSamples: number, levels: readonly SeatLevel[]) => void,
    wanted: Rendition = USUAL_RENDITION,
  ) {
    this.#write = write;
    this.#onLevels = onLevels;
    this.#rendition = new RenditionChoice(wanted);
  }

  /** Writes filler before the tap, so that playback can start inside it. */
  prefill(durationMs: number): void {
    this.#dispatch("prepare");
    this.#fill(durationMs * SAMPLES_PER_MS);
  }

  tap(nowMs: number): void {
    this.#dispatch("tap");
    this.#tappedMs = nowMs;
    this.#nowMs = nowMs;
    this.pace.start(nowMs);
    this.#rendition.start(nowMs);
  }

  dispatch(event: EarEvent): void {
    this.#dispatch(event);
  }

  /** A newcomer joins close to the head. Returns the slot to skip to for a listener too far behind. */
  onSnapshot({ turnSlot, headSlot, nextSlot, cadenceMs, reserveMs = 0, state }: SnapshotPosition): number | undefined {
    this.pace.onNewConnection();
    this.pace.setReserve(reserveMs);
    this.pace.setCadence(cadenceMs, this.leastCadenceMs, this.#nowMs);
    if (headSlot === null || nextSlot === null) return undefined;
    if (this.#joined) {
      const { gaps, absences } = state;
      if (this.#input)
        this.#input = { ...this.#input, headSlot, nextSlot: turnSlot ?? this.#input.nextSlot, gaps, absences };
      this.lagMs = this.aheadMs + this.#missingSlots() * SLOT_MS;
      return this.#jump(0).skipToSlot;
    }
    const slots = Math.ceil(this.pace.enterAheadMs / SLOT_MS);
    this.#joinSlot = Math.max(nextSlot, headSlot + 1 - slots);
    return undefined;
  }

  sound(slot: number, packets: readonly Uint8Array[], levels: readonly SeatLevel[]): void {
    if (!this.#joined) {
      if (slot < (this.#joinSlot ?? slot)) {
        this.#preroll = packets.slice(-PREROLL_PACKETS);
        return;
      }
      this.#join();
    }
    const at = this.timeline.append("sound", slot, SLOT_SAMPLES);
    this.#write(at, packets, slot);
    this.#onLevels?.(at, levels);
    this.#fillerSamples = 0;
  }

  /** Filler written while waiting counts as these slots' time, so that the wait is not doubled (B5). */
  absent(from: number, to: number): void {
    this.counts.absentSlots += to - from;
    if (!this.#joined) return;
    const samples = (to - from) * SLOT_SAMPLES;
    const waited = Math.min(samples, this.#fillerSamples);
    this.#fillerSamples -= waited;
    for (let left = samples - waited; left > 0; ) {
      const count = Math.min(FRAGMENT_PACKETS, Math.ceil(left / PACKET_SAMPLES));
      const slot = to - Math.ceil(left / SLOT_SAMPLES);
      const at = this.timeline.append("absent", slot, count * PACKET_SAMPLES);
      this.#write(at, fillerPackets(slot).slice(0, count), slot);
      left -= count * PACKET_SAMPLES;
    }
  }

  break(from: number, to: number, reason: BreakReason): void {
    if (reason === "skipped" && this.#joined) this.#rendition.onSkipped(this.#nowMs);
    if (reason === "gap") this.counts.absentSlots += to - from;
    else if (this.#joined) this.counts.skippedSlots += to - from;
    if (this.#joined && this.#fillerSamples === 0) this.#insertSilence();
  }

  /** For a stalled element, which plays the last sound only with something behind it. */
  pad(leastMs: number): void {
    if (this.#input?.isOver) this.#overSamples ??= this.timeline.endSamples;
    const missingMs = leastMs - (this.timeline.endSamples - this.#playhead) / SAMPLES_PER_MS;
    if (missingMs > 0) this.#fill(Math.ceil(missingMs / PACKET_MS) * PACKET_SAMPLES);
  }

  /** Call at least ten times a second while playing. */
  advance(playheadSamples: number, nowMs: number, input: PlayoutInput): PlayoutAdvice {
    const { pace } = this;
    this.#input = input;
    this.#nowMs = nowMs;
    pace.setCadence(input.cadenceMs, this.leastCadenceMs, nowMs);
    pace.setTargetCadence(input.targetCadenceMs);
    pace.setReserve(input.reserveMs);
    const position = this.#movePlayhead(playheadSamples, nowMs);
    pace.observe(this.aheadMs);
    if (!input.isOver) this.#fillWhenLow(nowMs);
    this.#dispatch(this.#earEvent(position, nowMs));
    pace.update(this.lagMs, position?.kind === "sound", nowMs);
    const move = this.#joinSamples === undefined ? this.#jump(this.aheadMs - pace.usualLagMs) : this.#enter();
    const readyCadenceMs = this.#joined ? pace.takeReadyCadence() : undefined;
    const askRendition = this.#rendition.choose(input.rendition, nowMs);
    return {
      rate: pace.rate,
      aheadMs: this.aheadMs,
      ...move,
      ...(position?.kind === "sound" ? { heardLagMs: Math.max(this.lagMs, this.counts.mouthToEarMs ?? 0) } : {}),
      ...(readyCadenceMs === undefined ? {} : { readyCadenceMs }),
      ...(askRendition === undefined ? {} : { askRendition }),
    };
  }

  /** Jumps at the next step to where a newcomer would be, if that is ahead. */
  jump(): void {
    this.#isJumpAsked = true;
  }

  get position(): TimelinePosition | undefined {
    return this.timeline.at(this.#playhead);
  }

  #join(): void {
    this.#joined = true;
    this.#fillerSamples = 0;
    if (this.#preroll.length > 0) {
      const at = this.timeline.append("filler", -1, this.#preroll.length * PACKET_SAMPLES);
      this.#write(at, this.#preroll, -1);
      this.#preroll = [];
    }
    this.#joinSamples = this.timeline.endSamples;
  }

  /** Moves over the tap's filler into the first flight, to the usual buffer. Restarts the rate window. */
  #enter(): { seekToSamples?: number } {
    const { nextSlot, anchors, edgeUtcMs = 0 } = this.#input ?? {};
    const spokenUtcMs = nextSlot === undefined || anchors === undefined ? undefined : utcOfSlot(anchors, nextSlot);
    const aheadMs = entryAheadMs(
      this.pace.row,
      this.pace.targetMs,
      edgeUtcMs - (spokenUtcMs ?? edgeUtcMs) - clockStepsAfter(anchors ?? [], nextSlot ?? Infinity),
      this.seekMs,
    );
    const at = Math.max(this.#joinSamples ?? 0, this.timeline.endSamples - Math.floor(aheadMs * SAMPLES_PER_MS));
    this.#joinSamples = undefined;
    this.pace.restart(this.#nowMs, 3);
    if (at <= this.#playhead) return {};
    this.#playhead = at;
    return { seekToSamples: at };
  }

  /** Prevents a click (B10). */
  #insertSilence(): void {
    const at = this.timeline.append("filler", -1, PACKET_SAMPLES);
    this.#write(at, FILLER.slice(0, 1), -1);
  }

  #movePlayhead(playhead: number, nowMs: number): TimelinePosition | undefined {
    const from = this.#playhead;
    this.#playhead = playhead;
    this.aheadMs = (this.timeline.endSamples - playhead) / SAMPLES_PER_MS;
    this.lagMs = this.aheadMs + this.#missingSlots() * SLOT_MS;
    const heard = this.timeline.count("sound", from, playhead);
    this.counts.heardSamples += heard;
    const position = this.timeline.at(playhead);
    if (this.counts.firstSoundMs === undefined && (heard > 0 || position?.kind === "sound"))
      this.counts.firstSoundMs = nowMs - this.#tappedMs;
    if (position?.kind === "sound" && position.slot !== this.#measuredSlot) this.#measure(position);
    this.timeline.dropBefore(playhead - SLOT_SAMPLES);
    return position;
  }

  #measure({ slot, offsetSamples }: TimelinePosition): void {
    this.#measuredSlot = slot;
    const input = this.#input;
    const spokenUtcMs = input && utcOfSlot(input.anchors, slot);
    if (input === undefined || spokenUtcMs === undefined) return;
    // The edge's clock may have been set since the slot was spoken.
    const stepsMs = clockStepsAfter(input.anchors, slot);
    this.counts.mouthToEarMs = input.edgeUtcMs - stepsMs - spokenUtcMs - offsetSamples / SAMPLES_PER_MS;
    this.mouthToEar.add(this.counts.mouthToEarMs);
  }

  /** Filler goes on the timeline; late sound follows it (B3). */
  #fillWhenLow(nowMs: number): void {
    const { lowMs } = this.pace.row;
    if (this.aheadMs >= lowMs) return;
    const addedMs = Math.ceil((lowMs - this.aheadMs) / this.fillerMs) * this.fillerMs;
    if (this.#joined) this.#countFiller(addedMs, nowMs);
    this.#fill(addedMs * SAMPLES_PER_MS);
    this.aheadMs += addedMs;
  }

  #countFiller(addedMs: number, nowMs: number): void {
    const { counts } = this;
    const expecting = this.#input?.expecting ?? "voice";
    if (expecting === "hold") counts.heldMs += addedMs;
    else if (expecting === "away") counts.awayMs += addedMs;
    else {
      const isFirst = this.#fillerSamples === 0;
      if (isFirst) {
        counts.gaps += 1;
        this.#rendition.onGap(nowMs);
      }
      counts.gapMs += addedMs;
      this.pace.onGap(isFirst, nowMs);
    }
  }

  #fill(samples: number): void {
    const slot = this.#input?.nextSlot ?? -1;
    for (let left = samples; left > 0; left -= SLOT_SAMPLES) {
      const count = Math.min(FRAGMENT_PACKETS, Math.ceil(left / PACKET_SAMPLES));
      const at = this.timeline.append("filler", slot, count * PACKET_SAMPLES);
      this.#write(at, FILLER.slice(0, count), -1);
    }
    this.#fillerSamples += samples;
  }

  #earEvent(position: TimelinePosition | undefined, nowMs: number): EarEvent {
    const input = this.#input;
    const isHeard = this.aheadMs <= EMPTY_MS || this.#playhead >= (this.#overSamples ?? Infinity);
    if (input?.isOver && isHeard) return "end";
    if (nowMs - this.#jumpedMs < JUMPING_MS) return "jump";
    if (!position || position.kind === "filler") return this.#fillerEvent();
    if (input?.isHold(position.slot)) return "hold";
    return this.aheadMs < this.pace.row.lowMs + BUFFER.fillerMs ? "thin" : "voice";
  }

  #fillerEvent(): EarEvent {
    const waitedMs = this.#fillerSamples / SAMPLES_PER_MS;
    if (this.#input?.expecting === "hold") return "hold";
    return this.#joined && waitedMs >= HOLD_AFTER_MS ? "hold" : "filler";
  }

  /** Too far behind: skips up to `maxSeekMs` of buffered sound, then slots that have not come (B8, B9). */
  #jump(maxSeekMs: number): { seekToSamples?: number; skipToSlot?: number } {
    const beyondMs = this.lagMs - this.pace.usualLagMs;
    const nextSlot = this.#input?.nextSlot;
    const allowedMs = this.#isJumpAsked ? BUFFER.jumpAskedBeyondMs : BUFFER.jumpBeyondMs;
    this.#isJumpAsked = false;
    if (!this.#joined || nextSlot === undefined || beyondMs < allowedMs) return {};
    this.counts.jumps += 1;
    this.#jumpedMs = this.#nowMs;
    const seekMs = Math.min(beyondMs, Math.max(0, maxSeekMs));
    const slots = Math.min(this.#missingSlots(), Math.ceil((beyondMs - seekMs) / SLOT_MS));
    this.lagMs -= slots * SLOT_MS;
    return {
      ...(seekMs > 0 ? { seekToSamples: this.#seek(seekMs) } : {}),
      ...(slots > 0 && this.#input ? { skipToSlot: slotAfter(nextSlot, slots, this.#input) } : {}),
    };
  }

  #seek(seekMs: number): number {
    const to = this.#playhead + Math.floor(seekMs * SAMPLES_PER_MS);
    this.counts.skippedSlots += Math.round(this.timeline.count("sound", this.#playhead, to) / SLOT_SAMPLES);
    this.#playhead = to;
    return to;
  }

  #missingSlots(): number {
    const input = this.#input;
    if (input?.headSlot === undefined || input.nextSlot === undefined) return 0;
    return elapsedSlots(input.nextSlot, input.headSlot + 1, input);
  }

  #dispatch(event: EarEvent): void {
    this.ear = EAR_TABLE[this.ear][event];
  }
}
