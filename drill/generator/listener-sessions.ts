// The connections of all listeners of one process, by the rules of the listening session (listener/SPEC.md §2).

import { createPriorityQueue, type PriorityQueue } from "@hustings/flow/priority-queue.ts";
import { SLOW_CADENCE_MS } from "@hustings/listener/session/clock-offset.ts";
import { actionAfterClose, errorOfCloseCode, retryHintMs } from "@hustings/listener/session/close-policy.ts";
import { SESSION_TIMES } from "@hustings/listener/session/session.ts";
import type { EdgeMessage, Notice, Snapshot } from "@hustings/wire/listen/frames.ts";
import type { StateEntry } from "@hustings/wire/log/state.ts";
import type { Rendition } from "@hustings/wire/units.ts";
import type { Counts } from "../record/crowd-report.ts";
import { CrowdMeasures } from "./crowd-measures.ts";
import { isResting, listenPath, newSlotsOf, nextAction, nextAttemptMs, restUntilMs } from "./listener-rules.ts";
import { ListenerTable, STALL, STATE } from "./listener-table.ts";
import { ObservedSpace } from "./observed-space.ts";
import { type Expecting, PlaybackModel } from "./playback-model.ts";
import { FrameReader, type FrameSink } from "./sockets/frame-reader.ts";
import type { Dial } from "./sockets/listener-socket.ts";
import { MessageCache } from "./sockets/message-cache.ts";
import { type ReadDescriptor, ScheduledSockets } from "./sockets/scheduled-sockets.ts";
import { closeFrame, pongFrame, textFrame } from "./sockets/upward-frames.ts";

export interface ListenersOptions {
  readonly capacity: number;
  readonly path: string;
  readonly rendition: Rendition;
  readonly dial: Dial;
  readonly read: ReadDescriptor;
  readonly clock: { monotonicMs(): number; utcMs(): number };
  readonly random: () => number;
  /** Called when something came up that `step` has to do soon. */
  readonly onWork?: () => void;
}

const MAX_CONNECTING = 4_000;
const JOIN_TIMEOUT_MS = 15_000;
/** One in this many listeners measures its latency. */
const LATENCY_SAMPLE = 16;

export class ListenerSessions implements FrameSink {
  readonly table: ListenerTable;
  readonly playback: PlaybackModel;
  readonly measures = new CrowdMeasures();
  readonly sockets: ScheduledSockets;
  readonly #options: ListenersOptions;
  readonly #onCadence: (cadenceMs: number) => void;
  readonly #counts: Counts = this.measures.counts;
  readonly #space = new ObservedSpace();
  readonly #reader: FrameReader;
  readonly #messages = new MessageCache();
  readonly #retries: PriorityQueue<number>;
  readonly #starting = new Set<number>();
  #connecting = 0;

  constructor(options: ListenersOptions, onCadence: (cadenceMs: number) => void) {
    const { capacity, clock } = options;
    this.#options = options;
    this.#onCadence = onCadence;
    this.table = new ListenerTable(capacity);
    this.#retries = createPriorityQueue(capacity * 4);
    this.playback = new PlaybackModel(capacity, this.#counts, {
      started: (i) => this.#onFirstSound(i),
      filled: (_i, gapMs) => this.measures.gapLengthMs.add(gapMs),
      expecting: (i) => this.#expecting(i),
    });
    this.#reader = new FrameReader(capacity, this);
    const bytes = (i: number, lent: Buffer, length: number) => this.#reader.read(i, lent, length);
    this.sockets = new ScheduledSockets(capacity, options, { bytes, over: (i) => this.#connectionLost(i) }, clock);
  }

  get connecting(): number {
    return this.#connecting;
  }

  get retrying(): number {
    return this.#retries.size;
  }

  /** Nothing is due but the visits. */
  get isQuiet(): boolean {
    return this.#connecting === 0 && this.#starting.size === 0 && this.#retries.size === 0 && this.sockets.isQuiet;
  }

  join(i: number, nowMs: number): void {
    this.#counts.joins++;
    this.playback.tap(i, nowMs);
    this.table.tap(i, nowMs);
    this.#connect(i, nowMs);
  }

  /** Returns the function that closes the listener's socket, which is not read any more. */
  leave(i: number): () => void {
    this.#counts.left++;
    const close = this.#closeSocket(i, true);
    this.table.state[i] = STATE.empty;
    this.playback.leave(i);
    return close;
  }

  step(): void {
    this.sockets.step();
    const nowMs = this.#options.clock.monotonicMs();
    for (const i of this.#starting) this.#startPlayback(i, nowMs);
    this.#starting.clear();
    while (this.#connecting < MAX_CONNECTING) {
      const i = this.#retries.take(nowMs);
      if (i === undefined) break;
      const isDue = this.table.state[i] === STATE.retrying && nowMs >= (this.table.dueMs[i] as number);
      if (isDue) this.#connect(i, nowMs);
    }
  }

  /** Checks timeouts, pings and playback. `periodMs`: time between two visits. */
  visit(i: number, nowMs: number, periodMs: number): void {
    const state = this.table.state[i];
    if (this.table.stalled[i] === STALL.now || state === STATE.ended) return;
    if (state === STATE.following && isResting(this.table, i, nowMs, periodMs)) return;
    const readyMs = this.playback.advanceTo(i, nowMs);
    const isServed = this.playback.hasStarted(i) || this.table.queuedSinceUtcMs[i] !== 0;
    if (!isServed && nowMs - (this.table.tappedMs[i] as number) >= JOIN_TIMEOUT_MS) this.#failJoin(i);
    if (state === STATE.connecting || state === STATE.awaitingSnapshot || state === STATE.queued) {
      if (nowMs >= (this.table.dueMs[i] as number)) this.#connectionLost(i);
    } else if (state === STATE.following) this.#keepAlive(i, readyMs, nowMs);
  }

  answered(i: number, status: number, head: string): boolean {
    if (status === 101) {
      this.table.state[i] = STATE.awaitingSnapshot;
      return true;
    }
    this.#counts.refusedConnections++;
    this.measures.closed(`HTTP ${status}`);
    const waitS = Number(/^retry-after:\s*(\d{1,6})/im.exec(head)?.[1] ?? 0);
    if (status === 400 || status === 404) this.#end(i);
    else this.#reconnectLater(i, waitS * 1000);
    return false;
  }

  sound(i: number, from: number, to: number, bytes: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    const { table } = this;
    this.#counts.frames++;
    this.#counts.bytes += bytes;
    this.#counts.checkedSlots += to - from;
    this.#space.advanceHead(to);
    table.heardMs[i] = nowMs;
    table.pingedMs[i] = 0;
    this.sockets.pushArrived(i, table.cadenceMs[i] as number, nowMs);
    if (!this.sockets.isQuiet) this.#options.onWork?.();
    const { first, absentSlots } = newSlotsOf(table, i, this.#space, this.#counts, from, to);
    if (to <= first) return;
    table.next[i] = to;
    if (!this.playback.hasStarted(i)) {
      this.#starting.add(i);
      this.#options.onWork?.();
    }
    this.playback.sound(i, first, to, absentSlots, nowMs);
    table.restUntilMs[i] = restUntilMs(table, i, nowMs, this.playback.hasCadenceRequest(i));
    const lostAtMs = table.lostAtMs[i] as number;
    if (lostAtMs > 0) {
      this.measures.recovered(nowMs - lostAtMs);
      table.lostAtMs[i] = -1;
    }
    if (i % LATENCY_SAMPLE === 0) this.#measureLag(i, to);
  }

  message(i: number, kind: number, payload: Buffer): void {
    this.table.heardMs[i] = this.#options.clock.monotonicMs();
    this.table.pingedMs[i] = 0;
    let message: EdgeMessage | undefined;
    try {
      message = this.#messages.read(payload);
    } catch (error) {
      this.broken(i, `a message of kind ${kind}: ${(error as Error).message}`);
      return;
    }
    if (message?.kind === "snapshot") this.#onSnapshot(i, message.snapshot);
    else if (message?.kind === "state") this.#onState(i, message.entries);
    else if (message?.kind === "notice") this.#onNotice(i, message.notice);
  }

  pinged(i: number, payload: Buffer): void {
    this.sockets.write(i, pongFrame(payload));
  }

  closed(i: number, code: number, reason: string): void {
    this.sockets.onRemoteClose(i);
    this.measures.closed(String(code));
    if (this.table.stalled[i] === STALL.once) this.#counts.stalledClosed++;
    const error = errorOfCloseCode(code);
    const next = actionAfterClose(error);
    if (next === "restart") this.table.next[i] = -1;
    if (next === "reconnect-now") this.table.attempt[i] = 0;
    if (next === "over") this.#stop(i);
    else if (next === "give-up") this.#end(i);
    else this.#reconnectLater(i, retryHintMs(reason), error !== undefined);
  }

  broken(i: number, why: string): void {
    this.#counts.badFrames++;
    this.measures.closed(`broken: ${why.slice(0, 60)}`);
    this.#reconnectLater(i, 0);
  }

  #connect(i: number, nowMs: number): void {
    const { path, rendition } = this.#options;
    if (this.sockets.has(i)) this.#closeSocket(i, false)();
    this.table.state[i] = STATE.connecting;
    this.#connecting++;
    this.table.dueMs[i] = nowMs + SESSION_TIMES.connectMs;
    this.table.isAway[i] = 0;
    this.table.pingedMs[i] = 0;
    this.#reader.begin(i);
    this.sockets.open(i, listenPath(this.table, i, path, rendition));
  }

  #connectionLost(i: number): void {
    this.measures.closed("lost");
    this.#reconnectLater(i, 0);
  }

  /** `isAnnounced`: the edge sent a reason before it closed. */
  #reconnectLater(i: number, atLeastMs: number, isAnnounced = false): void {
    const nowMs = this.#options.clock.monotonicMs();
    const wasFollowing = this.table.state[i] === STATE.following;
    if (wasFollowing) this.#onFollowingLost(i, nowMs);
    const usesBuffer = wasFollowing && !isAnnounced && this.playback.hasStarted(i);
    const aheadMs = usesBuffer ? this.playback.aheadMs(i) : 0;
    this.#closeSocket(i, false)();
    const dueMs = nowMs + nextAttemptMs(this.table, i, aheadMs, atLeastMs, this.#options.random);
    this.table.dueMs[i] = dueMs;
    this.table.state[i] = STATE.retrying;
    if (!this.#retries.add(i, dueMs)) this.#end(i);
    this.#options.onWork?.();
    this.#counts.reconnects++;
  }

  #onFollowingLost(i: number, nowMs: number): void {
    this.playback.advanceTo(i, nowMs);
    this.#counts.lostConnections++;
    if (nowMs - (this.table.sinceMs[i] as number) >= SESSION_TIMES.steadyMs) this.table.attempt[i] = 0;
    if (this.table.stalled[i] !== STALL.never || this.table.lostAtMs[i] !== 0) return;
    if (this.measures.countDisconnect()) this.table.lostAtMs[i] = nowMs;
  }

  /** Makes no further attempt; without sound so far this counts as a failed join. */
  #end(i: number): void {
    if (!this.playback.hasStarted(i)) this.#failJoin(i);
    this.#stop(i);
  }

  #stop(i: number): void {
    this.#closeSocket(i, false)();
    this.table.state[i] = STATE.ended;
    this.playback.leave(i);
  }

  #failJoin(i: number): void {
    if (this.table.hasFailed[i] === 0) this.#counts.failedJoins++;
    this.table.hasFailed[i] = 1;
  }

  #closeSocket(i: number, sendsClose: boolean): () => void {
    const state = this.table.state[i];
    if (state === STATE.connecting || state === STATE.awaitingSnapshot) this.#connecting--;
    this.#starting.delete(i);
    return this.sockets.leave(i, sendsClose && state === STATE.following ? closeFrame() : undefined);
  }

  #onSnapshot(i: number, snapshot: Snapshot): void {
    const nowMs = this.#options.clock.monotonicMs();
    const { table } = this;
    const { headSlot, nextSlot, cadenceMs, reserveMs = 0, state } = snapshot;
    if (table.state[i] === STATE.following && snapshot.again) {
      this.#space.snapshot(snapshot);
      table.stateSeq[i] = Math.max(table.stateSeq[i] as number, state.seq);
      return;
    }
    if (table.state[i] !== STATE.awaitingSnapshot && table.state[i] !== STATE.queued) {
      this.broken(i, "a second snapshot");
      return;
    }
    if (table.state[i] === STATE.awaitingSnapshot) this.#connecting--;
    const isNew = table.next[i] === -1;
    this.#space.snapshot(snapshot);
    this.#space.offset.guess(this.#options.clock.utcMs(), snapshot.utcMs);
    table.state[i] = STATE.following;
    table.sinceMs[i] = nowMs;
    table.clockPingMs[i] = nowMs;
    table.stateSeq[i] = state.seq;
    this.#setCadence(i, cadenceMs);
    table.reserveMs[i] = reserveMs;
    if (headSlot !== null && nextSlot !== null) {
      const position = { headSlot, nextSlot: isNew ? nextSlot : (table.next[i] as number), cadenceMs, reserveMs };
      const jumpedTo = this.playback.onSnapshot(i, position, this.#space.state, nowMs);
      table.skippedTo[i] = Math.max(table.skippedTo[i] as number, nextSlot, jumpedTo);
    }
    if (isNew && cadenceMs < SLOW_CADENCE_MS) this.#ping(i, nowMs);
    if (table.stalled[i] === STALL.once && this.playback.hasStarted(i)) this.#counts.stalledBack++;
  }

  #onQueued(i: number, sinceUtcMs: number, nowMs: number): void {
    if (this.table.state[i] === STATE.awaitingSnapshot) this.#connecting--;
    if (this.table.queuedSinceUtcMs[i] === 0) this.#counts.queued++;
    this.table.state[i] = STATE.queued;
    this.table.queuedSinceUtcMs[i] = sinceUtcMs;
    this.table.dueMs[i] = nowMs + SESSION_TIMES.waitingMs;
  }

  #setCadence(i: number, cadenceMs: number): void {
    this.sockets.forgetSchedule(i);
    this.table.cadenceMs[i] = cadenceMs;
    this.#onCadence(cadenceMs);
  }

  #onState(i: number, entries: readonly StateEntry[]): void {
    this.#space.entries(entries);
    this.table.stateSeq[i] = Math.max(this.table.stateSeq[i] as number, entries.at(-1)?.seq ?? 0);
  }

  #onNotice(i: number, notice: Notice): void {
    const nowMs = this.#options.clock.monotonicMs();
    const { table } = this;
    if (notice.kind === "cadence") {
      this.#setCadence(i, notice.cadenceMs);
      this.playback.onCadence(i, notice.cadenceMs, nowMs);
    } else if (notice.kind === "target") {
      table.reserveMs[i] = notice.reserveMs ?? 0;
      this.playback.onCadenceRequest(i, notice.cadenceMs, table.reserveMs[i] as number);
      table.restUntilMs[i] = 0;
    } else if (notice.kind === "waiting") {
      table.claims[i] = notice.claim;
      this.#onQueued(i, notice.sinceUtcMs, nowMs);
    } else if (notice.kind === "place") table.claims[i] = notice.claim;
    else if (notice.kind === "skipped") table.skippedTo[i] = Math.max(table.skippedTo[i] as number, notice.to);
    else if (notice.kind === "upstream") {
      this.playback.advanceTo(i, nowMs);
      table.isAway[i] = notice.away ? 1 : 0;
    } else if (notice.kind === "pong") {
      this.#space.offset.addSample(notice.echo, nowMs, this.#options.clock.utcMs(), notice.utcMs);
    }
  }

  #startPlayback(i: number, nowMs: number): void {
    const spokenUtcMs = this.#space.utcOf(this.table.next[i] as number);
    const ageMs = spokenUtcMs === undefined ? 0 : this.#space.edgeUtcMs(this.#options.clock.utcMs()) - spokenUtcMs;
    this.playback.startPlayback(i, ageMs, nowMs);
  }

  #expecting(i: number): Expecting {
    if (this.table.stalled[i] !== STALL.never) return "nothing";
    return this.#space.expecting(this.table.next[i] as number, this.table.isAway[i] === 1);
  }

  #onFirstSound(i: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.table.hasFailed[i] === 0) this.#counts.firstSounds++;
    if (this.table.queuedSinceUtcMs[i] === 0)
      this.measures.firstSoundMs.add(nowMs - (this.table.tappedMs[i] as number));
    this.table.queuedSinceUtcMs[i] = 0;
  }

  #measureLag(i: number, toSlot: number): void {
    const spokenUtcMs = this.#space.utcOf(toSlot);
    if (spokenUtcMs === undefined || !this.playback.isPlaying(i)) return;
    const ageMs = this.#space.edgeUtcMs(this.#options.clock.utcMs()) - spokenUtcMs;
    this.measures.lagMs.add(ageMs + this.playback.aheadMs(i));
  }

  #keepAlive(i: number, readyMs: number, nowMs: number): void {
    if (readyMs > 0) this.sockets.write(i, textFrame({ kind: "ready", cadenceMs: readyMs }));
    const action = nextAction(this.table, i, nowMs);
    if (action === "reconnect") this.#connectionLost(i);
    else if (action === "ping") this.#ping(i, nowMs);
  }

  #ping(i: number, nowMs: number): void {
    this.table.hasAsked[i] = 1;
    this.table.clockPingMs[i] = nowMs;
    this.table.pingedMs[i] = nowMs;
    this.sockets.write(i, textFrame({ kind: "ping", echo: nowMs }));
  }
}
