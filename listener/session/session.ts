// A listener's connection to a space: folds state, orders slots, keeps the cursor and reconnects. SPEC.md §2, §3.

import type { Timer } from "@hustings/flow/clock.ts";
import { repeat } from "@hustings/flow/clock.ts";
import { RECONNECT } from "@hustings/flow/retry.ts";
import type { ErrorCode } from "@hustings/wire/errors.ts";
import { FASTEST_CADENCE_MS } from "@hustings/wire/listen/cadence.ts";
import {
  BadFrame,
  type EdgeMessage,
  type ListenerMessage,
  type Notice,
  type Snapshot,
} from "@hustings/wire/listen/frames.ts";
import { listenQuery } from "@hustings/wire/listen/listen-query.ts";
import type { Fragment } from "@hustings/wire/log/fragment.ts";
import type { MomentEntry } from "@hustings/wire/log/lanes.ts";
import { EMPTY_STATE, foldAll, type SpaceState, type StateEntry } from "@hustings/wire/log/state.ts";
import { type Rendition, USUAL_RENDITION } from "@hustings/wire/units.ts";
import { ClockOffset, SLOW_CADENCE_MS } from "./clock-offset.ts";
import { actionAfterClose, errorOfCloseCode, retryHintMs } from "./close-policy.ts";
import { isRange, readFrame } from "./frame-reader.ts";
import { LagReport } from "./lag-report.ts";
import { LINK_TABLE, type LinkEvent, type LinkState } from "./link-states.ts";
import { OnAirHistory } from "./on-air.ts";
import { reconnectDelayMs } from "./reconnect-delay.ts";
import type { ConnectionAdvice, SessionCounts, SessionOptions } from "./session-options.ts";
import { pingAfterMs, pongWithinMs } from "./silence-timeout.ts";
import { SlotOrder } from "./slot-order.ts";
import type { Connection } from "./transport.ts";

export interface QueuePosition {
  readonly position: number;
  /** `null`: the edge cannot tell. */
  readonly estimateMs: number | null;
}

export const SESSION_TIMES = {
  /** Longest time until the snapshot (L2). */
  connectMs: 10_000,
  /** Longest wait for a slot while later ones are here (L9). */
  missingMs: 2_000,
  /** A connection that lasts this long resets the retry delay (L3). */
  steadyMs: 5_000,
  /** A queued listener gets a notice every 10 s (L13). */
  waitingMs: 25_000,
} as const;
const TICK_MS = 1_000;
const MISSING_TRIES = 3;

export class Session {
  readonly counts: SessionCounts = { connections: 0, frames: 0, bytes: 0, badFrames: 0, newSlots: 0 };
  readonly onAir = new OnAirHistory();
  readonly offset = new ClockOffset();
  readonly order: SlotOrder;
  link: LinkState = "idle";
  state: SpaceState = EMPTY_STATE;
  momentSeq = 0;
  audience = 0;
  cadenceMs: number = FASTEST_CADENCE_MS;
  targetCadenceMs: number | undefined;
  /** Buffer that the edge requests beyond the cadence's margin. */
  reserveMs = 0;
  /** The requested rendition, then the received one. */
  rendition: Rendition;
  /** Known to exist; `undefined` before the first. */
  headSlot: number | undefined;
  isStageAway = false;
  /** The position in the admission queue, kept while reconnecting. */
  waiting: QueuePosition | undefined;
  /** `undefined`: the network broke the connection. */
  lastError: ErrorCode | undefined;
  /** Monotonic; `undefined`: no retry is waiting. */
  retryAtMs: number | undefined;

  readonly #options: SessionOptions;
  #connection: Connection | undefined;
  #timer: Timer | undefined;
  #ticker: Timer | undefined;
  #attempt = 0;
  #stateSinceMs = 0;
  #lastFrameMs = 0;
  #pingedMs: number | undefined;
  #clockPingMs = -Infinity;
  readonly #clockPingShare: number;
  readonly #lag: LagReport;
  #heldCadenceMs: number = FASTEST_CADENCE_MS;
  #missing = { slot: -1, sinceMs: 0, tries: 0 };
  #hasCursor = true;
  #bufferEndsMs = 0;
  /** Proof of the place at an edge or in its queue. */
  #claim: string | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.rendition = options.rendition ?? USUAL_RENDITION;
    this.#clockPingShare = (options.random ?? Math.random)();
    this.#lag = new LagReport(this.#clockPingShare);
    this.order = new SlotOrder(options.sink);
  }

  start(): void {
    this.#move("start");
  }

  /** No callback follows. */
  stop(): void {
    this.#move("stop");
  }

  /** Restarts a connection attempt from before the device reported a change (L12). */
  setOnline(isOnline: boolean): void {
    if (isOnline && this.link === "connecting") this.#move("lost");
    this.#move(isOnline ? "network-back" : "network-lost");
  }

  skipTo(slot: number): void {
    this.order.jump(slot);
  }

  applyAdvice({ skipToSlot, readyCadenceMs, askRendition, aheadMs, heardLagMs }: ConnectionAdvice): void {
    if (heardLagMs !== undefined) this.#lag.measured(heardLagMs);
    if (aheadMs !== undefined) this.#bufferEndsMs = this.#options.clock.monotonicMs() + aheadMs;
    if (skipToSlot !== undefined) this.skipTo(skipToSlot);
    if (readyCadenceMs !== undefined) {
      this.#heldCadenceMs = Math.max(this.cadenceMs, readyCadenceMs);
      this.#send({ kind: "ready", cadenceMs: readyCadenceMs });
    }
    if (askRendition !== undefined) this.#send({ kind: "rendition", rendition: askRendition });
  }

  edgeUtcMs(): number {
    return this.#options.clock.utcMs() + this.offset.offsetMs;
  }

  #move(event: LinkEvent, atLeastMs = 0): void {
    const before = this.link;
    const after = LINK_TABLE[before][event];
    if (after === before) return;
    this.link = after;
    this.#stateSinceMs = this.#options.clock.monotonicMs();
    this.#timer?.cancel();
    this.retryAtMs = undefined;
    const isOpen = after === "first-flight" || after === "following";
    if (!isOpen) this.#disconnect(event === "stop" ? 1000 : undefined);
    if (after === "idle" || after === "ended" || after === "refused") this.waiting = undefined;
    if (after === "connecting") this.#connect();
    if (after === "waiting-retry" || after === "offline") this.#scheduleRetry(atLeastMs, before === "following");
    this.#options.onChange?.();
  }

  #connect(): void {
    const { clock, transport } = this.#options;
    this.counts.connections += 1;
    this.#lastFrameMs = clock.monotonicMs();
    this.#pingedMs = undefined;
    this.#timer = clock.after(SESSION_TIMES.connectMs, () => this.#move("lost"));
    this.#ticker = repeat(clock, TICK_MS, () => this.#tick());
    this.#connection = transport(this.#connectUrl(), {
      opened: () => undefined,
      frame: (bytes) => this.#onFrame(bytes),
      text: () => this.#onBadFrame(),
      closed: (code, reason) => this.#onClosed(code, reason),
    });
  }

  #connectUrl(): string {
    const { rendition, momentSeq } = this;
    const { next } = this.order;
    const seq = this.state.seq === 0 ? undefined : this.state.seq;
    const buffer = next === undefined ? {} : { nextSlot: next, heldCadenceMs: this.#heldCadenceMs };
    const cursor = this.#hasCursor ? { ...buffer, stateSeq: seq, momentSeq } : {};
    return `${this.#options.url}?${listenQuery({ rendition, ...cursor, claim: this.#claim })}`;
  }

  #disconnect(code: number | undefined): void {
    this.#ticker?.cancel();
    this.#connection?.close(code);
    this.#connection = undefined;
  }

  #scheduleRetry(atLeastMs: number, wasHeard: boolean): void {
    const { clock, random = Math.random, policy = RECONNECT } = this.#options;
    const aheadMs = wasHeard ? this.#bufferEndsMs - clock.monotonicMs() : 0;
    const { cadenceMs, reserveMs } = this;
    const delayMs = reconnectDelayMs(
      policy,
      { attempt: this.#attempt, atLeastMs, aheadMs, cadenceMs, reserveMs },
      random,
    );
    if (delayMs === undefined) {
      this.#move("final");
      return;
    }
    this.#attempt += 1;
    this.retryAtMs = clock.monotonicMs() + delayMs;
    this.#timer = clock.after(delayMs, () => this.#move("retry-due"));
  }

  #onClosed(closeCode: number, reason: string): void {
    this.#connection = undefined;
    this.lastError = errorOfCloseCode(closeCode);
    const next = actionAfterClose(this.lastError);
    if (next === "restart") this.#hasCursor = false;
    if (next === "reconnect-now") this.#attempt = 0;
    // A draining edge releases a few listeners at a time, so their buffers need not spread them.
    if (this.lastError !== undefined) this.#bufferEndsMs = 0;
    if (next === "over") this.#move("over");
    else if (next === "give-up") this.#move("final");
    else this.#move("lost", retryHintMs(reason));
  }

  #onFrame(bytes: Uint8Array): void {
    this.counts.frames += 1;
    this.counts.bytes += bytes.length;
    this.#lastFrameMs = this.#options.clock.monotonicMs();
    this.#pingedMs = undefined;
    let message: EdgeMessage | undefined;
    try {
      message = readFrame(bytes, this.#options.reading);
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      this.#onBadFrame();
      return;
    }
    if (message?.kind === "sound") this.#onSound(message.fragments, message.rendition);
    else if (message?.kind === "snapshot") {
      if (message.snapshot.again && this.link !== "connecting") this.#onStateAgain(message.snapshot);
      else this.#onSnapshot(message.snapshot);
    } else if (message?.kind === "state") this.#onState(message.entries);
    else if (message?.kind === "moments") this.#onMoments(message.entries);
    else if (message?.kind === "notice") this.#onNotice(message.notice);
  }

  #onBadFrame(): void {
    this.counts.badFrames += 1;
    this.#move("lost");
  }

  #onQueued({ place, estimateMs, claim = this.#claim }: Notice & { readonly kind: "waiting" }): void {
    this.waiting = { position: place, estimateMs };
    this.#claim = claim;
    if (this.link !== "connecting") return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(SESSION_TIMES.waitingMs, () => this.#move("lost"));
  }

  #onSnapshot(snapshot: Snapshot): void {
    const { nextSlot } = snapshot;
    const { clock, onSnapshot } = this.#options;
    this.#timer?.cancel();
    this.waiting = undefined;
    this.#lag.onSnapshot(snapshot.audience);
    this.#takeState(snapshot);
    this.#setCadence(snapshot.cadenceMs);
    this.targetCadenceMs = undefined;
    this.reserveMs = snapshot.reserveMs ?? 0;
    this.rendition = snapshot.rendition;
    this.isStageAway = false;
    this.offset.guess(clock.utcMs(), snapshot.utcMs);
    this.#hasCursor = true;
    this.#move("snapshot");
    // Absent slots must be declared before lag is counted.
    this.#declareAbsences();
    onSnapshot?.(snapshot);
    if (nextSlot !== null) {
      this.order.begin(nextSlot);
      this.order.skip(this.order.next ?? nextSlot, nextSlot);
    }
    if (this.cadenceMs < SLOW_CADENCE_MS) this.#ping();
    else this.#clockPingMs = clock.monotonicMs();
    this.#endWhenOver();
    this.#options.onChange?.();
  }

  /** In place of entries that this listener is far behind on (L15). */
  #onStateAgain(snapshot: Snapshot): void {
    this.#takeState(snapshot);
    this.#declareAbsences();
    this.#endWhenOver();
    this.#options.onChange?.();
  }

  #takeState({ state, headSlot, audience }: Snapshot): void {
    if (state.seq >= this.state.seq) this.state = { ...EMPTY_STATE, ...state };
    this.audience = audience;
    if (headSlot !== null) this.headSlot = Math.max(headSlot, this.headSlot ?? 0);
    this.onAir.onSnapshot(this.state, headSlot ?? 0);
  }

  #setCadence(cadenceMs: number): void {
    this.cadenceMs = cadenceMs;
    this.#heldCadenceMs = cadenceMs;
    if (this.targetCadenceMs === cadenceMs) this.targetCadenceMs = undefined;
  }

  #onSound(fragments: readonly Fragment[], rendition: Rendition): void {
    this.rendition = rendition;
    for (const fragment of fragments) {
      if (fragment.slot > (this.headSlot ?? -1)) this.headSlot = fragment.slot;
      if (this.order.receive(fragment)) this.counts.newSlots += 1;
    }
    if (this.link === "first-flight") this.#move("sound");
    if (this.state.phase === "ended") this.#endWhenOver();
  }

  #onState(entries: readonly StateEntry[]): void {
    const { anchors } = this.state;
    this.state = foldAll(entries, this.state);
    if (this.state.anchors !== anchors) this.offset.followAnchors(anchors, this.state.anchors);
    for (const entry of entries) this.onAir.onEntry(entry);
    this.#declareAbsences();
    this.#endWhenOver();
    this.#options.onChange?.();
  }

  #onMoments(entries: readonly MomentEntry[]): void {
    const moments = entries.filter(({ seq }) => seq > this.momentSeq);
    this.momentSeq = moments.at(-1)?.seq ?? this.momentSeq;
    if (moments.length > 0) this.#options.onMoments?.(moments);
  }

  #onNotice(notice: Notice): void {
    const { clock } = this.#options;
    if (notice.kind === "cadence") this.#setCadence(notice.cadenceMs);
    else if (notice.kind === "target") ({ cadenceMs: this.targetCadenceMs, reserveMs: this.reserveMs = 0 } = notice);
    else if (notice.kind === "skipped") this.order.skip(notice.from, notice.to);
    else if (notice.kind === "audience") this.audience = notice.audience;
    else if (notice.kind === "upstream") this.isStageAway = notice.away;
    else if (notice.kind === "waiting") this.#onQueued(notice);
    else if (notice.kind === "place") this.#claim = notice.claim;
    else if (notice.kind === "pong") {
      this.offset.addSample(notice.echo, clock.monotonicMs(), clock.utcMs(), notice.utcMs);
      return;
    }
    this.#options.onChange?.();
  }

  #declareAbsences(): void {
    const { absences, gaps } = this.state;
    this.order.declare(
      absences.every(isRange) ? absences : absences.filter(isRange),
      gaps.every(isRange) ? gaps : gaps.filter(isRange),
    );
  }

  #endWhenOver(): void {
    const { phase, endedSlot } = this.state;
    if (phase !== "ended") return;
    const next = this.order.next;
    if (next === undefined || endedSlot === undefined || next >= endedSlot) this.#move("over");
  }

  #tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.link !== "following" && this.link !== "first-flight") return;
    if (nowMs - this.#stateSinceMs >= SESSION_TIMES.steadyMs) this.#attempt = 0;
    const { cadenceMs, reserveMs } = this;
    if (this.#pingedMs !== undefined && nowMs - this.#pingedMs >= pongWithinMs(cadenceMs, reserveMs)) {
      this.#move("lost");
      return;
    }
    const quiet = nowMs - this.#lastFrameMs >= pingAfterMs(cadenceMs, reserveMs) && this.#pingedMs === undefined;
    const clockMs = Math.min(this.offset.nextPingMs(cadenceMs, this.#clockPingShare), this.#lag.nextPingMs);
    if (quiet || nowMs - this.#clockPingMs >= clockMs) this.#ping();
    this.#requestMissing(nowMs);
  }

  /** Reconnects for a slot that later slots have overtaken; skips it after MISSING_TRIES (L9). */
  #requestMissing(nowMs: number): void {
    const { next } = this.order;
    if (next === undefined || this.order.heldCount === 0) return;
    if (next !== this.#missing.slot) {
      this.#missing = { slot: next, sinceMs: nowMs, tries: 0 };
      return;
    }
    if (nowMs - this.#missing.sinceMs < SESSION_TIMES.missingMs) return;
    this.#missing.sinceMs = nowMs;
    this.#missing.tries += 1;
    if (this.#missing.tries > MISSING_TRIES) this.order.skip(next, this.order.firstHeld ?? next);
    else this.#move("lost");
  }

  #ping(): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#clockPingMs = nowMs;
    this.#pingedMs ??= nowMs;
    this.#send({ kind: "ping", echo: nowMs, ...this.#lag.take() });
  }

  #send(message: ListenerMessage): void {
    this.#connection?.send(JSON.stringify(message));
  }
}
