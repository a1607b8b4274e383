// Owns the crowd of one process: thousands of real listeners, each a bare socket, who come, listen, come back when they are
// cut off by the listening session's rules (listener/SPEC.md §2), and go. Refuses to decide how many, and to judge.

import { createPriorityQueue, type PriorityQueue } from "@hustings/flow/priority-queue.ts";
import { SLOW_CADENCE_MS } from "@hustings/listener/session/clock-offset.ts";
import { actionAfterClose, errorOfCloseCode, retryHintMs } from "@hustings/listener/session/close-policy.ts";
import { SESSION_TIMES } from "@hustings/listener/session/session.ts";
import type { EdgeMessage, Notice, Snapshot } from "@hustings/wire/listen/frames.ts";
import type { StateEntry } from "@hustings/wire/log/state.ts";
import type { Rendition } from "@hustings/wire/units.ts";
import type { Counts, CrowdReport } from "../record/crowd-report.ts";
import { CrowdMeasures } from "./crowd-measures.ts";
import { addressOf, arrivalOf, dueOf, isAtRest, nextTryMs, restMs } from "./listener-rules.ts";
import { PLACE, Places, STALL } from "./listener-table.ts";
import { Programme } from "./observed-space.ts";
import { EarModel, type Expecting } from "./playback-model.ts";
import { Rounds, roundMsAt } from "./round-robin.ts";
import { DownwardReader, type DownwardSink } from "./sockets/frame-reader.ts";
import type { Dial } from "./sockets/listener-socket.ts";
import { Lines, type ReadDescriptor } from "./sockets/listener-sockets.ts";
import { SharedMessages } from "./sockets/message-cache.ts";
import { closeFrame, pongFrame, textFrame } from "./sockets/upward-frames.ts";

export interface CrowdOptions {
  /** Most listeners at once. */
  readonly places: number;
  /** `/listen/ID`. */
  readonly path: string;
  readonly rendition: Rendition;
  readonly dial: Dial;
  readonly read: ReadDescriptor;
  readonly clock: { monotonicMs(): number; utcMs(): number };
  readonly random: () => number;
}

/** On the way at once: as long as there are newcomers, who wait for these; and with all who come back. */
const MAX_UNDER_WAY = 400;
const MAX_RETURNING = 4_000;
/** Who hears nothing for so long after the tap gives up. */
const PATIENCE_MS = 15_000;
/** One listener in so many tells how far behind the microphone they are, at each push. */
const LAG_SHARE = 16;

export class Listeners implements DownwardSink {
  readonly programme = new Programme();
  readonly #options: CrowdOptions;
  readonly #ear: EarModel;
  readonly #reader: DownwardReader;
  readonly #lines: Lines;
  readonly #at: Places;
  readonly #measures = new CrowdMeasures();
  readonly counts: Counts = this.#measures.counts;
  readonly #messages = new SharedMessages();
  readonly #waiting: PriorityQueue<number>;
  readonly #entering = new Set<number>();
  readonly #rounds: Rounds;
  #size = 0;
  #underWay = 0;

  constructor(options: CrowdOptions) {
    const { places, clock } = options;
    this.#options = options;
    this.#at = new Places(places);
    this.#waiting = createPriorityQueue(places * 4);
    this.#rounds = new Rounds(roundMsAt(0), clock.monotonicMs());
    this.#ear = new EarModel(places, this.counts, {
      started: (i) => this.#started(i),
      filled: (_i, gapMs) => this.#measures.gapLengthMs.add(gapMs),
      expecting: (i) => this.#expecting(i),
    });
    this.#reader = new DownwardReader(places, this);
    const bytes = (i: number, lent: Buffer, length: number) => this.#reader.read(i, lent, length);
    this.#lines = new Lines(places, options, { bytes, over: (i) => this.#lineLost(i) }, clock);
  }

  get size(): number {
    return this.#size;
  }

  /** One more taps, unless too many are on their way; whether they did. */
  join(): boolean {
    if (this.#underWay >= MAX_UNDER_WAY || this.#size >= this.#options.places) return false;
    const i = this.#size++;
    const nowMs = this.#options.clock.monotonicMs();
    this.counts.asked++;
    this.#ear.tap(i, nowMs);
    this.#at.tap(i, nowMs);
    this.#connect(i, nowMs);
    return true;
  }

  /** Who came last leaves and hears no more: gives what closes their socket, which may have to wait. Throws where nobody is in. */
  leave(): () => void {
    if (this.#size === 0) throw new RangeError("nobody is in");
    const i = --this.#size;
    this.counts.left++;
    const hangUp = this.#hangUp(i, true);
    this.#at.state[i] = PLACE.empty;
    this.#ear.leave(i);
    return hangUp;
  }

  /** From now on `share` (0 to 1) of those who are in read nothing. */
  stall(share: number): void {
    for (let i = 0; i < this.#size; i++) {
      if (Math.floor((i + 1) * share) === Math.floor(i * share) || this.#at.state[i] !== PLACE.following) continue;
      if (this.#at.stalled[i] === STALL.never) this.counts.stalled++;
      this.#at.stalled[i] = STALL.now;
      this.#lines.pause(i);
    }
  }

  /** Those who read nothing read again, what came meanwhile and what comes. */
  unstall(): void {
    for (let i = 0; i < this.#size; i++) {
      if (this.#at.stalled[i] !== STALL.now) continue;
      this.#at.stalled[i] = STALL.once;
      this.#lines.resume(i);
    }
  }

  /** A fault happens now: who loses the connection from here on is counted for it. */
  markFault(number: number): void {
    this.#measures.markFault(number, this.#size, this.#at, this.#ear);
  }

  /** Does what time brings; answers in how many milliseconds to call it again. */
  step(): number {
    this.#lines.step();
    const nowMs = this.#options.clock.monotonicMs();
    for (const i of this.#entering) this.#enter(i, nowMs);
    this.#entering.clear();
    while (this.#underWay < MAX_RETURNING) {
      const i = this.#waiting.take(nowMs);
      if (i === undefined) break;
      if (this.#at.state[i] === PLACE.waiting && nowMs >= (this.#at.dueMs[i] as number)) this.#connect(i, nowMs);
    }
    this.#rounds.go(this.#size, nowMs, (i) => this.#look(i, nowMs));
    return this.#rounds.stepMs;
  }

  report(loopDelayMs: number): CrowdReport {
    const waiting = this.#waiting.size;
    return this.#measures.report(this.#size, this.#at, this.#ear, { connecting: this.#underWay, waiting, loopDelayMs });
  }

  answered(i: number, status: number, head: string): boolean {
    if (status === 101) {
      this.#at.state[i] = PLACE.meeting;
      return true;
    }
    this.counts.refused++;
    this.#measures.closed(`HTTP ${status}`);
    const waitS = Number(/^retry-after:\s*(\d{1,6})/im.exec(head)?.[1] ?? 0);
    if (status === 400 || status === 404) this.#end(i);
    else this.#lose(i, waitS * 1000);
    return false;
  }

  sound(i: number, from: number, to: number, bytes: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.counts.frames++;
    this.counts.bytes += bytes;
    this.counts.checkedSlots += to - from;
    this.programme.came(to);
    this.#at.heardMs[i] = nowMs;
    this.#at.pingedMs[i] = 0;
    this.#lines.came(i, this.#at.cadenceMs[i] as number, nowMs);
    const { first, absentSlots } = arrivalOf(this.#at, i, this.programme, this.counts, from, to);
    if (to <= first) return;
    this.#at.next[i] = to;
    if (!this.#ear.hasStarted(i)) this.#entering.add(i);
    this.#ear.sound(i, first, to, absentSlots, nowMs);
    this.#at.restMs[i] = restMs(this.#at, i, nowMs, this.#ear.isAsked(i));
    const lostAtMs = this.#at.lostAtMs[i] as number;
    if (lostAtMs > 0) this.#measures.back(nowMs - lostAtMs);
    if (lostAtMs > 0) this.#at.lostAtMs[i] = -1;
    if (i % LAG_SHARE === 0) this.#measureLag(i, to);
  }

  message(i: number, kind: number, payload: Buffer): void {
    this.#at.heardMs[i] = this.#options.clock.monotonicMs();
    this.#at.pingedMs[i] = 0;
    let message: EdgeMessage | undefined;
    try {
      message = this.#messages.read(payload);
    } catch (error) {
      this.broken(i, `a message of kind ${kind}: ${(error as Error).message}`);
      return;
    }
    if (message?.kind === "snapshot") this.#meet(i, message.snapshot);
    else if (message?.kind === "state") this.#state(i, message.entries);
    else if (message?.kind === "notice") this.#notice(i, message.notice);
  }

  pinged(i: number, payload: Buffer): void {
    this.#lines.write(i, pongFrame(payload));
  }

  closed(i: number, code: number, reason: string): void {
    this.#lines.ended(i);
    this.#measures.closed(String(code));
    if (this.#at.stalled[i] === STALL.once) this.counts.stalledClosed++;
    const error = errorOfCloseCode(code);
    const next = actionAfterClose(error);
    if (next === "restart") this.#at.next[i] = -1;
    if (next === "reconnect-now") this.#at.attempt[i] = 0;
    if (next === "over") this.#over(i);
    else if (next === "give-up") this.#end(i);
    else this.#lose(i, retryHintMs(reason), error !== undefined);
  }

  broken(i: number, why: string): void {
    this.counts.badFrames++;
    this.#measures.closed(`broken: ${why.slice(0, 60)}`);
    this.#lose(i, 0);
  }

  #connect(i: number, nowMs: number): void {
    const { path, rendition } = this.#options;
    if (this.#lines.has(i)) this.#hangUp(i, false)();
    this.#at.state[i] = PLACE.connecting;
    this.#underWay++;
    this.#at.dueMs[i] = nowMs + SESSION_TIMES.connectMs;
    this.#at.isAway[i] = 0;
    this.#at.pingedMs[i] = 0;
    this.#reader.begin(i);
    this.#lines.open(i, addressOf(this.#at, i, path, rendition));
  }

  #lineLost(i: number): void {
    this.#measures.closed("no word");
    this.#lose(i, 0);
  }

  /** The connection is over and another is tried by the session's rule; `isTold`: the edge said that it would be. */
  #lose(i: number, atLeastMs: number, isTold = false): void {
    const nowMs = this.#options.clock.monotonicMs();
    const wasFollowing = this.#at.state[i] === PLACE.following;
    if (wasFollowing) this.#wasFollowing(i, nowMs);
    const aheadMs = wasFollowing && !isTold && this.#ear.hasStarted(i) ? this.#ear.aheadMs(i) : 0;
    this.#hangUp(i, false)();
    this.#at.dueMs[i] = nowMs + nextTryMs(this.#at, i, aheadMs, atLeastMs, this.#options.random);
    this.#at.state[i] = PLACE.waiting;
    if (!this.#waiting.add(i, this.#at.dueMs[i] as number)) this.#end(i);
    this.counts.reconnects++;
  }

  #wasFollowing(i: number, nowMs: number): void {
    this.#ear.look(i, nowMs);
    this.counts.lost++;
    if (nowMs - (this.#at.sinceMs[i] as number) >= SESSION_TIMES.steadyMs) this.#at.attempt[i] = 0;
    if (this.#at.stalled[i] !== STALL.never || this.#at.lostAtMs[i] !== 0) return;
    if (this.#measures.hit()) this.#at.lostAtMs[i] = nowMs;
  }

  #end(i: number): void {
    if (!this.#ear.hasStarted(i)) this.#giveUp(i);
    this.#over(i);
  }

  #over(i: number): void {
    this.#hangUp(i, false)();
    this.#at.state[i] = PLACE.over;
    this.#ear.leave(i);
  }

  #giveUp(i: number): void {
    if (this.#at.hasGivenUp[i] === 0) this.counts.failed++;
    this.#at.hasGivenUp[i] = 1;
  }

  #hangUp(i: number, says: boolean): () => void {
    const place = this.#at.state[i];
    if (place === PLACE.connecting || place === PLACE.meeting) this.#underWay--;
    this.#entering.delete(i);
    return this.#lines.leave(i, says && place === PLACE.following ? closeFrame() : undefined);
  }

  #meet(i: number, snapshot: Snapshot): void {
    const nowMs = this.#options.clock.monotonicMs();
    const { headSlot, nextSlot, cadenceMs, reserveMs = 0, state } = snapshot;
    if (this.#at.state[i] !== PLACE.meeting && this.#at.state[i] !== PLACE.line) {
      this.broken(i, "a second snapshot");
      return;
    }
    if (this.#at.state[i] === PLACE.meeting) this.#underWay--;
    const isNew = this.#at.next[i] === -1;
    this.programme.snapshot(snapshot);
    this.programme.offset.guess(this.#options.clock.utcMs(), snapshot.utcMs);
    this.#at.state[i] = PLACE.following;
    this.#at.sinceMs[i] = nowMs;
    this.#at.clockPingMs[i] = nowMs;
    this.#at.stateSeq[i] = state.seq;
    this.#setCadence(i, cadenceMs);
    this.#at.reserveMs[i] = reserveMs;
    if (headSlot !== null && nextSlot !== null) {
      const next = isNew ? nextSlot : (this.#at.next[i] as number);
      const goOn = this.#ear.meet(i, { headSlot, nextSlot: next, cadenceMs, reserveMs }, this.programme.state, nowMs);
      this.#at.skippedTo[i] = Math.max(this.#at.skippedTo[i] as number, nextSlot, goOn);
    }
    if (isNew && cadenceMs < SLOW_CADENCE_MS) this.#ping(i, nowMs);
    if (this.#at.stalled[i] === STALL.once && this.#ear.hasStarted(i)) this.counts.stalledBack++;
  }

  /** In the line at the door, where every place is taken: who stands there was not turned away. */
  #stand(i: number, sinceUtcMs: number, nowMs: number): void {
    if (this.#at.state[i] === PLACE.meeting) this.#underWay--;
    if (this.#at.sinceUtcMs[i] === 0) this.counts.queued++;
    this.#at.state[i] = PLACE.line;
    this.#at.sinceUtcMs[i] = sinceUtcMs;
    this.#at.dueMs[i] = nowMs + SESSION_TIMES.waitingMs;
  }

  #setCadence(i: number, cadenceMs: number): void {
    this.#lines.forget(i);
    this.#at.cadenceMs[i] = cadenceMs;
    this.#rounds.periodMs = roundMsAt(cadenceMs);
  }

  #state(i: number, entries: readonly StateEntry[]): void {
    this.programme.entries(entries);
    this.#at.stateSeq[i] = Math.max(this.#at.stateSeq[i] as number, entries.at(-1)?.seq ?? 0);
  }

  #notice(i: number, notice: Notice): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (notice.kind === "cadence") {
      this.#setCadence(i, notice.cadenceMs);
      this.#ear.moved(i, notice.cadenceMs, nowMs);
    } else if (notice.kind === "target") {
      this.#at.reserveMs[i] = notice.reserveMs ?? 0;
      this.#ear.asked(i, notice.cadenceMs, this.#at.reserveMs[i] as number);
      this.#at.restMs[i] = 0;
    } else if (notice.kind === "waiting") this.#stand(i, notice.sinceUtcMs, nowMs);
    else if (notice.kind === "skipped") this.#at.skippedTo[i] = Math.max(this.#at.skippedTo[i] as number, notice.to);
    else if (notice.kind === "upstream") {
      this.#ear.look(i, nowMs);
      this.#at.isAway[i] = notice.away ? 1 : 0;
    } else if (notice.kind === "pong") {
      this.programme.offset.addSample(notice.echo, nowMs, this.#options.clock.utcMs(), notice.utcMs);
    }
  }

  #enter(i: number, nowMs: number): void {
    const next = this.#at.next[i] as number;
    const spokenUtcMs = this.programme.utcOf(next);
    this.#ear.enter(
      i,
      spokenUtcMs === undefined ? 0 : this.programme.edgeUtcMs(this.#options.clock.utcMs()) - spokenUtcMs,
      nowMs,
    );
  }

  #expecting(i: number): Expecting {
    if (this.#at.stalled[i] !== STALL.never) return "nothing";
    return this.programme.expecting(this.#at.next[i] as number, this.#at.isAway[i] === 1);
  }

  #started(i: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#at.hasGivenUp[i] === 0) this.counts.heard++;
    if (this.#at.sinceUtcMs[i] === 0) this.#measures.firstSoundMs.add(nowMs - (this.#at.tappedMs[i] as number));
    this.#at.sinceUtcMs[i] = 0;
  }

  #measureLag(i: number, toSlot: number): void {
    const spokenUtcMs = this.programme.utcOf(toSlot);
    if (spokenUtcMs === undefined || !this.#ear.isPlaying(i)) return;
    this.#measures.lagMs.add(
      this.programme.edgeUtcMs(this.#options.clock.utcMs()) - spokenUtcMs + this.#ear.aheadMs(i),
    );
  }

  #look(i: number, nowMs: number): void {
    const place = this.#at.state[i];
    if (this.#at.stalled[i] === STALL.now || place === PLACE.over) return;
    if (place === PLACE.following && isAtRest(this.#at, i, nowMs, this.#rounds.periodMs)) return;
    const readyMs = this.#ear.look(i, nowMs);
    const isServed = this.#ear.hasStarted(i) || this.#at.sinceUtcMs[i] !== 0;
    if (!isServed && nowMs - (this.#at.tappedMs[i] as number) >= PATIENCE_MS) this.#giveUp(i);
    if (place === PLACE.connecting || place === PLACE.meeting || place === PLACE.line) {
      if (nowMs >= (this.#at.dueMs[i] as number)) this.#lineLost(i);
    } else if (place === PLACE.following) this.#keepUp(i, readyMs, nowMs);
  }

  #keepUp(i: number, readyMs: number, nowMs: number): void {
    if (readyMs > 0) this.#lines.write(i, textFrame({ kind: "ready", cadenceMs: readyMs }));
    const due = dueOf(this.#at, i, nowMs);
    if (due === "reconnect") this.#lineLost(i);
    else if (due === "ping") this.#ping(i, nowMs);
  }

  #ping(i: number, nowMs: number): void {
    this.#at.hasAsked[i] = 1;
    this.#at.clockPingMs[i] = nowMs;
    this.#at.pingedMs[i] = nowMs;
    this.#lines.write(i, textFrame({ kind: "ping", echo: nowMs }));
  }
}
