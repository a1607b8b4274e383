// Sends one listener what is due, and handles a listener that takes too little.

import { type ErrorCode, errorRow, Refusal } from "@hustings/wire/errors.ts";
import { BadFrame, noticeFrame, parseListenerMessage } from "@hustings/wire/listen/frames.ts";
import { lagBucketOf } from "@hustings/wire/listen/lag-counts.ts";
import { type Rendition, SMALL_RENDITION } from "@hustings/wire/units.ts";
import { closeCodeOf, closeReasonOf } from "../../http/responses.ts";
import { END_MS } from "../../replica/follow-limits.ts";
import type { FollowedSpace } from "../../replica/followed-space.ts";
import {
  FLOWING_PING_MS,
  MAX_FRAME_BYTES,
  MAX_UNSENT_BYTES,
  MESSAGES_PER_SECOND,
  PING_MS,
  STALL_MS,
} from "../edge-limits.ts";
import {
  type CadenceAdvice,
  type CadenceRow,
  FASTEST,
  firstCadence,
  MOVE_TIMEOUT_MS,
  nextCadence,
} from "../load/cadence-table.ts";
import { resumeQuery } from "../socket/listen-request.ts";
import type { ListenerPipe } from "../socket/listener-pipe.ts";
import { binaryFrame, PING_FRAME } from "../socket/websocket-framing.ts";
import type { ListenerStart } from "./listener-start.ts";
import type { PushScheduler } from "./push-scheduler.ts";
import type { SharedFrames } from "./shared-frames.ts";
import { isFromAnotherSpace, isTooFarAhead, startMoment, startSlot } from "./start-position.ts";
import { unsentLimitBytes } from "./unsent-limit.ts";

/** `behind`: catches up, paced; `level`: gets each slot as it comes; `stalled`: takes nothing. */
type Progress = "behind" | "level" | "stalled";

export class Listener {
  readonly #pipe: ListenerPipe;
  readonly #followed: FollowedSpace;
  readonly #frames: SharedFrames;
  readonly #scheduler: Pick<PushScheduler, "move">;
  readonly #advice: CadenceAdvice;
  #cadence: CadenceRow;
  #target: CadenceRow;
  #targetMs: number;
  #rendition: Rendition;
  /** −1: the first that comes. */
  #nextSlot: number;
  #stateSeq: number;
  #momentSeq: number;
  #audienceVersion: number;
  #announcedAway = false;
  #progress: Progress = "behind";
  #progressSinceMs: number;
  #skippedOnce = false;
  #hasSound = false;
  #writtenBytes = 0;
  #takenBytes = 0;
  #takenMs: number;
  #receivedMs: number;
  #pingedMs: number;
  #missedPongs = 0;
  #messageCount = 0;
  #messageSecondMs: number;
  #isClosed = false;
  #isHolding = false;
  #lagBucket = -1;

  /** Sends the first flight: snapshot, missed entries, then sound that fits. May close at once. */
  constructor({ pipe, followed, frames, scheduler, request, advice, nowMs: startMs }: ListenerStart) {
    const nowMs = wholeMs(startMs);
    const { nextSlot, heldCadenceMs = FASTEST.cadenceMs } = request;
    const cadence = firstCadence(advice.wanted, nextSlot === undefined, heldCadenceMs);
    this.#pipe = pipe;
    this.#followed = followed;
    this.#frames = frames;
    this.#scheduler = scheduler;
    this.#advice = advice;
    this.#cadence = this.#target = cadence;
    this.#rendition = nextSlot === undefined ? this.#grantedRendition(request.rendition) : request.rendition;
    this.#targetMs =
      this.#progressSinceMs =
      this.#takenMs =
      this.#receivedMs =
      this.#pingedMs =
      this.#messageSecondMs =
        nowMs;
    this.#audienceVersion = followed.audienceNotice.version;
    this.#momentSeq = request.momentSeq ?? -1;
    this.#nextSlot = startSlot(followed.replica, request, this.#rendition, cadence);
    const { state } = followed.replica;
    this.#stateSeq = Math.min(request.stateSeq ?? state.seq, state.seq);
    if (isFromAnotherSpace(followed.replica, request)) this.#refuse("bad-cursor");
    else this.#begin(nowMs);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get cadenceMs(): number {
    return this.#cadence.cadenceMs;
  }

  /** Called once per cadence, and when a listener that is behind has taken everything. */
  push(startMs: number): void {
    const nowMs = wholeMs(startMs);
    if (this.#followed.isGone) this.#refuse("no-space");
    if (this.#isClosed || this.#isStalled(nowMs)) return;
    this.#noticeCaughtUp(nowMs);
    if (this.#isUnresponsive(nowMs)) return;
    this.#sendDue(nowMs);
    this.#release();
  }

  /** Closes with 4402 for a bad message, 4429 for too many. */
  receive(text: string, nowMs: number, utcMs: number): void {
    if (!this.#isAllowed(nowMs)) return;
    try {
      const message = parseListenerMessage(text);
      if (message.kind === "rendition") this.#rendition = this.#grantedRendition(message.rendition);
      if (message.kind === "ready") this.#becameReady(message.cadenceMs, wholeMs(nowMs));
      if (message.kind !== "ping") return;
      if (message.lagMs !== undefined) this.#countLag(lagBucketOf(message.lagMs));
      if (this.#progress !== "stalled")
        this.#write(binaryFrame(noticeFrame({ kind: "pong", echo: message.echo, utcMs })));
    } catch (cause) {
      if (!(cause instanceof BadFrame)) throw cause;
      this.#refuse("bad-frame", cause.message);
    }
  }

  /** Counts as a message. */
  receiveControl(nowMs: number): void {
    this.#isAllowed(nowMs);
  }

  connectionClosed(): void {
    this.#isClosed = true;
    this.#countLag(-1);
  }

  close(code: ErrorCode): void {
    this.#refuse(code, this.#resumeQuery());
  }

  #countLag(bucket: number): void {
    if (bucket !== this.#lagBucket) this.#followed.moveLag(this.#lagBucket, bucket);
    this.#lagBucket = bucket;
  }

  #begin(nowMs: number): void {
    const { replica, audience } = this.#followed;
    const nextSlot =
      this.#nextSlot < 0 ? null : Math.max(this.#nextSlot, replica.ring(this.#rendition).firstSlotFrom(this.#nextSlot));
    this.#write(this.#frames.snapshot(this.#rendition, this.#cadence, nextSlot, audience));
    if (this.#frames.entries(this.#stateSeq) === undefined) this.#stateSeq = replica.state.seq;
    this.push(nowMs);
  }

  #sendDue(nowMs: number): void {
    const getsMoments =
      Math.max(0, this.#momentSeq) < this.#followed.replica.moments.newestSeq && this.#pipe.unsentBytes === 0;
    if (getsMoments) this.#hold();
    this.#sendChanges();
    if (this.#sendSound()) {
      if (getsMoments) this.#sendMoments();
      this.#closeIfEnded(nowMs);
    }
    if (!this.#isClosed) this.#adjustCadence(nowMs);
  }

  // Never downgrade a 32 kb/s listener; upgrade only when there is capacity.
  #grantedRendition(rendition: Rendition): Rendition {
    return rendition === this.#rendition || rendition === SMALL_RENDITION ? rendition : this.#advice.rendition;
  }

  #becameReady(readyMs: number, nowMs: number): void {
    if (nextCadence(this.#cadence, this.#target, readyMs) === undefined) return;
    this.push(nowMs);
    const cadence = nextCadence(this.#cadence, this.#target, readyMs);
    if (!this.#isClosed && cadence !== undefined) this.#moveTo(cadence);
  }

  #adjustCadence(nowMs: number): void {
    const { wanted } = this.#advice;
    if (wanted !== this.#target) {
      if (wanted.cadenceMs !== this.#target.cadenceMs) this.#targetMs = nowMs;
      this.#target = wanted;
      this.#write(this.#frames.target(wanted));
    }
    if (wanted.cadenceMs !== this.#cadence.cadenceMs && nowMs - this.#targetMs >= MOVE_TIMEOUT_MS) this.#moveTo(wanted);
  }

  #moveTo(cadence: CadenceRow): void {
    this.#cadence = cadence;
    this.#write(this.#frames.cadence(cadence.cadenceMs));
    this.#scheduler.move(this, cadence.cadenceMs, this.#followed);
  }

  #write(frame: Buffer, flushed?: () => void): void {
    this.#writtenBytes += frame.length;
    this.#pipe.write(frame, flushed);
  }

  #writeAhead(frame: Buffer, flushed?: () => void): void {
    this.#hold();
    this.#write(frame, flushed);
  }

  #hold(): void {
    if (!this.#isHolding) this.#pipe.hold();
    this.#isHolding = true;
  }

  #release(): void {
    if (this.#isHolding) this.#pipe.release();
    this.#isHolding = false;
  }

  #refuse(code: ErrorCode, reason: string = errorRow(code).what): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pipe.close(closeCodeOf(code), reason);
  }

  #mostUnsentBytes(): number {
    return unsentLimitBytes(this.#rendition, this.#cadence.cadenceMs);
  }

  #resumeQuery(): string {
    const nextSlot = this.#nextSlot < 0 ? undefined : this.#nextSlot;
    return resumeQuery({
      rendition: this.#rendition,
      nextSlot,
      stateSeq: this.#stateSeq,
      momentSeq: this.#momentSeq,
      heldCadenceMs: this.#cadence.cadenceMs,
    });
  }

  #isAllowed(receivedMs: number): boolean {
    const nowMs = wholeMs(receivedMs);
    this.#receivedMs = nowMs;
    if (nowMs - this.#messageSecondMs >= 1_000) {
      this.#messageSecondMs = nowMs;
      this.#messageCount = 0;
    }
    if (++this.#messageCount > MESSAGES_PER_SECOND) this.#refuse("too-many", closeReasonOf(new Refusal("too-many")));
    return !this.#isClosed;
  }

  // A socket may not notice a lost peer for minutes.
  #isUnresponsive(nowMs: number): boolean {
    const isFlowing = this.#progress === "level" && this.#followed.endedMs === undefined;
    if (nowMs - this.#pingedMs < (isFlowing ? FLOWING_PING_MS : PING_MS)) return false;
    this.#missedPongs = this.#receivedMs < this.#pingedMs ? this.#missedPongs + 1 : 0;
    if (this.#missedPongs > 1) {
      this.#isClosed = true;
      this.#pipe.terminate();
      return true;
    }
    this.#pingedMs = nowMs;
    this.#writeAhead(PING_FRAME);
    return false;
  }

  // Over its limit a listener gets nothing until it has taken what waits; it then continues from the head, once.
  #isStalled(nowMs: number): boolean {
    const { unsentBytes } = this.#pipe;
    this.#advice.recordUnsent(unsentBytes);
    const takenBytes = this.#writtenBytes - unsentBytes;
    if (takenBytes !== this.#takenBytes || unsentBytes === 0) this.#takenMs = nowMs;
    this.#takenBytes = takenBytes;
    const boundBytes = this.#progress === "behind" ? MAX_UNSENT_BYTES * 1.5 : this.#mostUnsentBytes();
    if (this.#progress === "stalled") return this.#isStillStalled(nowMs, unsentBytes);
    if (unsentBytes <= boundBytes && nowMs - this.#takenMs <= STALL_MS) return false;
    if (this.#useSkip()) this.#setProgress("stalled", nowMs);
    return true;
  }

  #useSkip(): boolean {
    if (this.#skippedOnce) this.close("too-slow");
    this.#skippedOnce = true;
    return !this.#isClosed;
  }

  #noticeCaughtUp(nowMs: number): void {
    const { head } = this.#followed.replica.ring(this.#rendition);
    if (this.#progress !== "behind" || this.#pipe.unsentBytes > 0 || head < 0) return;
    if (this.#nextSlot + this.#cadence.firstSendSlots > head) this.#setProgress("level", nowMs);
  }

  #isStillStalled(nowMs: number, unsentBytes: number): boolean {
    if (unsentBytes <= this.#mostUnsentBytes() / 4) {
      this.#setProgress("behind", nowMs);
      this.#moveToHead();
      return false;
    }
    if (nowMs - this.#progressSinceMs > STALL_MS) this.close("too-slow");
    return true;
  }

  #setProgress(progress: Progress, nowMs: number): void {
    this.#progress = progress;
    this.#progressSinceMs = nowMs;
  }

  #moveToHead(): void {
    const { head } = this.#followed.replica.ring(this.#rendition);
    if (this.#nextSlot >= 0 && head > this.#nextSlot) this.#skipTo(head);
  }

  #skipTo(slot: number): void {
    if (!this.#followed.replica.isAbsent(this.#nextSlot, slot)) this.#write(this.#frames.skipped(this.#nextSlot, slot));
    this.#nextSlot = slot;
  }

  // State goes before the sound of its slot. False: the listener was closed.
  #sendChanges(): void {
    const frames = this.#frames;
    const { replica, isAway, audienceNotice } = this.#followed;
    if (this.#stateSeq < replica.state.seq) {
      const entries = frames.entries(this.#stateSeq);
      if (entries) this.#writeAhead(entries);
      else this.#sendStateAgain();
      this.#stateSeq = replica.state.seq;
    }
    if (this.#announcedAway !== isAway) {
      this.#writeAhead(frames.upstream(isAway));
      this.#announcedAway = isAway;
    }
    if (this.#audienceVersion !== audienceNotice.version) {
      this.#writeAhead(frames.audience(audienceNotice.audience));
      this.#audienceVersion = audienceNotice.version;
    }
  }

  // Players before 0.2 take it for the first snapshot of a connection and forget what notices said before.
  #sendStateAgain(): void {
    const { cadenceMs } = this.#cadence;
    const { reserveMs } = this.#target;
    const nextSlot = this.#nextSlot < 0 ? null : this.#nextSlot;
    const { audience } = this.#followed;
    this.#writeAhead(this.#frames.snapshot(this.#rendition, { cadenceMs, reserveMs }, nextSlot, audience, true));
    if (this.#target.cadenceMs !== cadenceMs) this.#writeAhead(this.#frames.target(this.#target));
    this.#announcedAway = false;
  }

  // False: the listener was closed.
  #sendSound(): boolean {
    const frames = this.#frames;
    const { replica } = this.#followed;
    const ring = replica.ring(this.#rendition);
    if (this.#nextSlot < 0) this.#nextSlot = ring.oldest;
    if (this.#nextSlot < 0) return true;
    if (isTooFarAhead(ring.head, this.#nextSlot)) this.#refuse("bad-cursor");
    if (this.#hasSound && ring.oldest > this.#nextSlot && !replica.isAbsent(this.#nextSlot, ring.oldest)) {
      if (this.#useSkip()) this.#moveToHead();
    }
    if (this.#isClosed) return false;
    while (this.#nextSlot <= ring.head && this.#pipe.unsentBytes <= MAX_UNSENT_BYTES - MAX_FRAME_BYTES) {
      const slot = ring.firstSlotFrom(this.#nextSlot);
      if (slot > this.#nextSlot) this.#skipTo(slot);
      const { frame, to } = frames.sound(this.#rendition, slot);
      if (to > ring.head) this.#write(frame);
      else this.#writeAhead(frame, () => this.#sendMore());
      this.#nextSlot = to;
      this.#hasSound = true;
    }
    return true;
  }

  // Moments follow sound, within half of the unsent limit, so that they never cause a stall.
  #sendMoments(): void {
    const { replica } = this.#followed;
    if (this.#nextSlot >= 0 && this.#nextSlot <= replica.ring(this.#rendition).head) return;
    this.#write(this.#frames.moments(startMoment(replica, this.#momentSeq), this.#mostUnsentBytes() / 2));
    this.#momentSeq = replica.moments.newestSeq;
  }

  #sendMore(): void {
    if (this.#isClosed || this.#progress !== "behind") return;
    this.#sendChanges();
    this.#sendSound();
    this.#release();
  }

  #closeIfEnded(nowMs: number): void {
    const { endedMs, replica } = this.#followed;
    if (endedMs === undefined || nowMs - endedMs < END_MS) return;
    if (this.#nextSlot <= replica.ring(this.#rendition).head && this.#nextSlot >= 0) return;
    this.#refuse("ended");
  }
}

// V8 stores fractions as objects; whole numbers save memory accesses.
const wholeMs = (timeMs: number): number => Math.floor(timeMs);
