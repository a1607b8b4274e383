// Owns one listener: where it stands, what it is owed, and what happens when it takes too little. Refuses to know
// sockets (a pipe takes whole frames), time (each visit brings it) and the other listeners.

import { type ErrorCode, errorRow, Refusal } from "@hustings/wire/errors.ts";
import { BadFrame, noticeFrame, parseListenerMessage } from "@hustings/wire/listen/frames.ts";
import { KEPT_SLOTS, type Rendition, SLOTS_PER_SECOND } from "@hustings/wire/units.ts";
import { closeReasonOf } from "../../http/responses.ts";
import { END_MS } from "../../replica/follow-limits.ts";
import type { Following } from "../../replica/followed-space.ts";
import {
  FLOWING_PING_MS,
  MAX_FRAME_BYTES,
  MAX_UNSENT_BYTES,
  PING_MS,
  STALL_MS,
  UPWARD_PER_SECOND,
} from "../edge-limits.ts";
import { type ListenCursor, writeCursor } from "../socket/listen-request.ts";
import { binaryFrame, PING_FRAME } from "../socket/websocket-framing.ts";
import { type CadenceRow, type Cadences, FASTEST, firstCadence, nextCadence, PATIENCE_MS } from "./cadence-advice.ts";

/** The way to one listener. Nothing is called after `close` or `terminate`. */
export interface ListenerPipe {
  /** Takes a whole WebSocket frame that others share; `flushed` is called once it has left this process. */
  write(frame: Buffer, flushed?: () => void): void;
  /** Bytes that were written and have not left this process. */
  readonly unsentBytes: number;
  /** What is written until `release` leaves as one: every write of its own costs as much again. Holds nest. */
  hold(): void;
  release(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

export interface ListenerStart {
  readonly pipe: ListenerPipe;
  readonly following: Following;
  readonly cursor: ListenCursor;
  readonly cadences: Cadences;
  readonly nowMs: number;
}

/** `behind`: takes what it missed, paced; `level`: gets each slot as it comes; `stalled`: takes nothing just now. */
type Place = "behind" | "level" | "stalled";

export class Listener {
  readonly #pipe: ListenerPipe;
  readonly #following: Following;
  readonly #cadences: Cadences;
  #cadence: CadenceRow;
  /** What it was asked to get ready for, and since when. */
  #target: CadenceRow;
  #targetMs: number;
  #rendition: Rendition;
  /** Next slot it is owed; −1: the first that comes. */
  #next: number;
  #stateSeq: number;
  #momentSeq: number;
  #audienceVersion: number;
  #toldAway = false;
  #place: Place = "behind";
  #placedMs: number;
  #skippedOnce = false;
  #hasSound = false;
  #writtenBytes = 0;
  #takenBytes = 0;
  #takenMs: number;
  #heardMs: number;
  #pingedMs: number;
  #unanswered = 0;
  #upwardCount = 0;
  #upwardMs: number;
  #isClosed = false;
  #isHeld = false;

  /** Sends the first flight: snapshot, entries missed, then sound as far as the pipe takes it. May close at once. */
  constructor({ pipe, following, cursor, cadences, nowMs: startMs }: ListenerStart) {
    const nowMs = whole(startMs);
    const cadence = firstCadence(
      cadences.wanted,
      cursor.nextSlot === undefined,
      cursor.heldCadenceMs ?? FASTEST.cadenceMs,
    );
    this.#pipe = pipe;
    this.#following = following;
    this.#cadences = cadences;
    this.#cadence = this.#target = cadence;
    this.#rendition = cursor.nextSlot === undefined ? this.#affordable(cursor.rendition) : cursor.rendition;
    this.#targetMs = this.#placedMs = this.#takenMs = this.#heardMs = this.#pingedMs = this.#upwardMs = nowMs;
    this.#audienceVersion = following.told.version;
    this.#momentSeq = following.kept.momentSeq;
    this.#next = firstSlot(following, cursor, this.#rendition, cadence);
    const { state } = following.kept;
    this.#stateSeq = Math.min(cursor.stateSeq ?? state.seq, state.seq);
    if (isFromElsewhere(following, cursor)) this.#refuse("bad-cursor");
    else this.#begin(nowMs);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** How often it wants to be visited. */
  get cadenceMs(): number {
    return this.#cadence.cadenceMs;
  }

  /** Sends what is due. Called once a cadence, and when a listener that is behind has taken what was sent. */
  visit(visitMs: number): void {
    const nowMs = whole(visitMs);
    if (this.#following.isGone) this.#refuse("no-space");
    if (this.#isClosed || this.#isStalled(nowMs)) return;
    this.#settle(nowMs);
    if (this.#isLost(nowMs)) return;
    this.#sendDue(nowMs);
    this.#release();
  }

  /** A message from the listener; anything but an `ListenerMessage` closes with 4402, too many with 4429. */
  hear(text: string, nowMs: number, utcMs: number): void {
    if (!this.#isAllowed(nowMs)) return;
    try {
      const said = parseListenerMessage(text);
      if (said.kind === "rendition") this.#rendition = this.#affordable(said.rendition);
      if (said.kind === "ready") this.#ready(said.cadenceMs, whole(nowMs));
      if (said.kind === "ping" && this.#place !== "stalled")
        this.#write(binaryFrame(noticeFrame({ kind: "pong", echo: said.echo, utcMs })));
    } catch (cause) {
      if (!(cause instanceof BadFrame)) throw cause;
      this.#refuse("bad-frame", cause.message);
    }
  }

  /** A WebSocket ping, which the socket answers, or a pong. They count as messages. */
  hearControl(nowMs: number): void {
    this.#isAllowed(nowMs);
  }

  /** The connection is gone. */
  end(): void {
    this.#isClosed = true;
  }

  /** Closes with the row's code and where to resume. */
  close(code: ErrorCode): void {
    this.#refuse(code, this.#resumeQuery());
  }

  #begin(nowMs: number): void {
    const { kept, frames, audience } = this.#following;
    const nextSlot = this.#next < 0 ? null : Math.max(this.#next, kept.ring(this.#rendition).slotFrom(this.#next));
    this.#write(frames.snapshot(this.#rendition, this.#cadence, nextSlot, audience));
    if (frames.entries(this.#stateSeq) === undefined) this.#stateSeq = kept.state.seq;
    this.visit(nowMs);
  }

  #sendDue(nowMs: number): void {
    if (this.#tell() && this.#sendSound()) this.#finish(nowMs);
    if (!this.#isClosed) this.#steer(nowMs);
  }

  // Who has 32 keeps it; who has not gets it where the edge can afford it.
  #affordable(rendition: Rendition): Rendition {
    return rendition === this.#rendition || rendition === "16" ? rendition : this.#cadences.rendition;
  }

  #ready(readyMs: number, nowMs: number): void {
    if (nextCadence(this.#cadence, this.#target, readyMs) === undefined) return;
    this.visit(nowMs);
    const cadence = nextCadence(this.#cadence, this.#target, readyMs);
    if (!this.#isClosed && cadence !== undefined) this.#moveTo(cadence);
  }

  // Asks for the cadence that the edge wants, and moves who did not get ready in time.
  #steer(nowMs: number): void {
    const { wanted } = this.#cadences;
    if (wanted !== this.#target) {
      if (wanted.cadenceMs !== this.#target.cadenceMs) this.#targetMs = nowMs;
      this.#target = wanted;
      this.#write(this.#following.frames.target(wanted));
    }
    if (wanted.cadenceMs !== this.#cadence.cadenceMs && nowMs - this.#targetMs >= PATIENCE_MS) this.#moveTo(wanted);
  }

  #moveTo(cadence: CadenceRow): void {
    this.#cadence = cadence;
    this.#write(this.#following.frames.cadence(cadence.cadenceMs));
    this.#cadences.move(this, cadence, this.#following);
  }

  #write(frame: Buffer, flushed?: () => void): void {
    this.#writtenBytes += frame.length;
    this.#pipe.write(frame, flushed);
  }

  // What goes before the sound of a visit leaves with it, and all of its sound at once.
  #writeAhead(frame: Buffer, flushed?: () => void): void {
    if (!this.#isHeld) this.#pipe.hold();
    this.#isHeld = true;
    this.#write(frame, flushed);
  }

  #release(): void {
    if (this.#isHeld) this.#pipe.release();
    this.#isHeld = false;
  }

  #refuse(code: ErrorCode, reason: string = errorRow(code).what): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pipe.close(errorRow(code).closeCode ?? 4500, closeReason(reason));
  }

  /** What a listener that is level may leave unsent: STALL_MS of sound or two pushes, and a quarter; at most 64 KiB. */
  #mostUnsentBytes(): number {
    const bytesPerSecond = (Number(this.#rendition) * 1_000) / 8 + SLOTS_PER_SECOND * 32;
    const seconds = Math.max(STALL_MS, this.#cadence.cadenceMs * 2) / 1_000;
    return Math.min(MAX_UNSENT_BYTES, bytesPerSecond * seconds * 1.25);
  }

  #resumeQuery(): string {
    const nextSlot = this.#next < 0 ? undefined : this.#next;
    return writeCursor({
      rendition: this.#rendition,
      nextSlot,
      stateSeq: this.#stateSeq,
      heldCadenceMs: this.#cadence.cadenceMs,
    });
  }

  #isAllowed(heardMs: number): boolean {
    const nowMs = whole(heardMs);
    this.#heardMs = nowMs;
    if (nowMs - this.#upwardMs >= 1_000) {
      this.#upwardMs = nowMs;
      this.#upwardCount = 0;
    }
    if (++this.#upwardCount > UPWARD_PER_SECOND) this.#refuse("too-many", closeReasonOf(new Refusal("too-many")));
    return !this.#isClosed;
  }

  // A listener whose machine is gone says nothing, and its socket may not notice for many minutes. Where sound flows no
  // proxy takes the connection for idle, and few pings will do.
  #isLost(nowMs: number): boolean {
    const isFlowing = this.#place === "level" && this.#following.endedMs === undefined;
    if (nowMs - this.#pingedMs < (isFlowing ? FLOWING_PING_MS : PING_MS)) return false;
    this.#unanswered = this.#heardMs < this.#pingedMs ? this.#unanswered + 1 : 0;
    if (this.#unanswered > 1) {
      this.#isClosed = true;
      this.#pipe.terminate();
      return true;
    }
    this.#pingedMs = nowMs;
    this.#writeAhead(PING_FRAME);
    return false;
  }

  // Over its bound a listener gets nothing more until it took what waits; then it goes on from the head, once.
  #isStalled(nowMs: number): boolean {
    const { unsentBytes } = this.#pipe;
    this.#cadences.seen(unsentBytes);
    const takenBytes = this.#writtenBytes - unsentBytes;
    if (takenBytes !== this.#takenBytes || unsentBytes === 0) this.#takenMs = nowMs;
    this.#takenBytes = takenBytes;
    const boundBytes = this.#place === "behind" ? MAX_UNSENT_BYTES * 1.5 : this.#mostUnsentBytes();
    if (this.#place === "stalled") return this.#isStillStalled(nowMs, unsentBytes);
    if (unsentBytes <= boundBytes && nowMs - this.#takenMs <= STALL_MS) return false;
    if (this.#maySkip()) this.#setPlace("stalled", nowMs);
    return true;
  }

  // Once; the second time closes.
  #maySkip(): boolean {
    if (this.#skippedOnce) this.close("too-slow");
    this.#skippedOnce = true;
    return !this.#isClosed;
  }

  #settle(nowMs: number): void {
    const { head } = this.#following.kept.ring(this.#rendition);
    if (this.#place !== "behind" || this.#pipe.unsentBytes > 0 || head < 0) return;
    if (this.#next + this.#cadence.flightSlots > head) this.#setPlace("level", nowMs);
  }

  #isStillStalled(nowMs: number, unsentBytes: number): boolean {
    if (unsentBytes <= this.#mostUnsentBytes() / 4) {
      this.#setPlace("behind", nowMs);
      this.#moveToHead();
      return false;
    }
    if (nowMs - this.#placedMs > STALL_MS) this.close("too-slow");
    return true;
  }

  #setPlace(place: Place, nowMs: number): void {
    this.#place = place;
    this.#placedMs = nowMs;
  }

  #moveToHead(): void {
    const { head } = this.#following.kept.ring(this.#rendition);
    if (this.#next >= 0 && head > this.#next) this.#skipTo(head);
  }

  #skipTo(slot: number): void {
    if (!this.#following.kept.isAbsent(this.#next, slot)) this.#write(this.#following.frames.skipped(this.#next, slot));
    this.#next = slot;
  }

  // What is not sound goes first, so that the state of a slot is there before it. False when that closed the listener.
  #tell(): boolean {
    const { kept, frames, isAway, told } = this.#following;
    if (this.#stateSeq < kept.state.seq) {
      const frame = frames.entries(this.#stateSeq);
      if (!frame) {
        this.close("too-slow");
        return false;
      }
      this.#writeAhead(frame);
      this.#stateSeq = kept.state.seq;
    }
    if (this.#momentSeq < kept.momentSeq) {
      this.#writeAhead(frames.moments(this.#momentSeq));
      this.#momentSeq = kept.momentSeq;
    }
    if (this.#toldAway !== isAway) {
      this.#writeAhead(frames.upstream(isAway));
      this.#toldAway = isAway;
    }
    if (this.#audienceVersion !== told.version) {
      this.#writeAhead(frames.audience(told.audience));
      this.#audienceVersion = told.version;
    }
    return true;
  }

  // False when that closed the listener.
  #sendSound(): boolean {
    const { kept, frames } = this.#following;
    const ring = kept.ring(this.#rendition);
    if (this.#next < 0) this.#next = ring.oldest;
    if (this.#next < 0) return true;
    if (isAheadOf(ring.head, this.#next)) this.#refuse("bad-cursor");
    if (this.#hasSound && ring.oldest > this.#next && !kept.isAbsent(this.#next, ring.oldest)) {
      if (this.#maySkip()) this.#moveToHead();
    }
    if (this.#isClosed) return false;
    while (this.#next <= ring.head && this.#pipe.unsentBytes <= MAX_UNSENT_BYTES - MAX_FRAME_BYTES) {
      const slot = ring.slotFrom(this.#next);
      if (slot > this.#next) this.#skipTo(slot);
      const { frame, to } = frames.sound(this.#rendition, slot);
      if (to > ring.head) this.#write(frame);
      else this.#writeAhead(frame, () => this.#sendMore());
      this.#next = to;
      this.#hasSound = true;
    }
    return true;
  }

  #sendMore(): void {
    if (this.#isClosed || this.#place !== "behind") return;
    if (this.#tell()) this.#sendSound();
    this.#release();
  }

  #finish(nowMs: number): void {
    const { endedMs, kept } = this.#following;
    if (endedMs === undefined || nowMs - endedMs < END_MS) return;
    if (this.#next <= kept.ring(this.#rendition).head && this.#next >= 0) return;
    this.#refuse("ended");
  }
}

// A number with a fraction is an object of its own to V8: one more to touch, for each time of each of many listeners.
function whole(timeMs: number): number {
  return Math.floor(timeMs);
}

function firstSlot({ kept }: Following, cursor: ListenCursor, rendition: Rendition, cadence: CadenceRow): number {
  if (cursor.nextSlot !== undefined) return cursor.nextSlot;
  const { head, oldest } = kept.ring(rendition);
  if (kept.state.phase === "ended") return head < 0 ? -1 : head + 1;
  return head < 0 ? -1 : Math.max(oldest, kept.ring(rendition).slotFrom(head + 1 - cadence.flightSlots));
}

function isFromElsewhere({ kept }: Following, { nextSlot, stateSeq }: ListenCursor): boolean {
  if (kept.headSlot !== null && nextSlot !== undefined && isAheadOf(kept.headSlot, nextSlot)) return true;
  return stateSeq !== undefined && isAheadOf(kept.state.seq, stateSeq);
}

// Another edge may be ahead of this one, and this one not yet have all that it will keep; further on there is nothing.
function isAheadOf(head: number, next: number): boolean {
  return next > head + KEPT_SLOTS * 2;
}

// RFC 6455 §5.5 leaves 123 bytes for a reason; ours are ASCII but for what a listener sent, which is quoted.
function closeReason(reason: string): string {
  return reason.replace(/[^ -~]/g, "?").slice(0, 123);
}
