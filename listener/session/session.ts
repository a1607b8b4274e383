// Owns a listener's connection to a space: connects, folds state, orders slots, keeps the cursor, comes back.
// Runs in browsers and in Node. Refuses to know players, and reads no clock but the one it is given. SPEC.md §2, §3.

import type { Timer } from "@hustings/flow/clock.ts";
import { repeat } from "@hustings/flow/clock.ts";
import { RECONNECT } from "@hustings/flow/retry.ts";
import type { ErrorCode } from "@hustings/wire/errors.ts";
import { FASTEST_CADENCE_MS } from "@hustings/wire/listen/cadence.ts";
import type { ListenerMessage, Notice, Snapshot } from "@hustings/wire/listen/frames.ts";
import type { Fragment } from "@hustings/wire/log/fragment.ts";
import { EMPTY_STATE, foldAll, type SpaceState, type StateEntry } from "@hustings/wire/log/state.ts";
import { LISTEN_QUERY } from "@hustings/wire/routes.ts";
import type { Rendition } from "@hustings/wire/units.ts";
import { ClockOffset, SLOW_CADENCE_MS } from "./clock-offset.ts";
import { actionAfterClose, errorOfCloseCode, retryHintMs } from "./close-policy.ts";
import { type FrameReader, isFrameFault, isRange, readFrame } from "./frame-reader.ts";
import { LINK_TABLE, type LinkEvent, type LinkState } from "./link-states.ts";
import { OnAirHistory } from "./on-air.ts";
import { reconnectDelayMs } from "./reconnect-delay.ts";
import type { ConnectionAdvice, SessionOptions } from "./session-options.ts";
import { pingAfterMs, pongWithinMs } from "./silence-timeout.ts";
import { SlotOrder } from "./slot-order.ts";
import type { Connection } from "./transport.ts";

/** Where a person is in the admission queue. */
export interface QueuePosition {
  /** 1 is next. */
  readonly position: number;
  /** Milliseconds until admission; `null` when the edge cannot tell. */
  readonly estimateMs: number | null;
}

export interface SessionCounts {
  connections: number;
  frames: number;
  bytes: number;
  badFrames: number;
  newSlots: number;
}

/** SPEC.md §2 says what each of these is for. */
export const SESSION_TIMES = {
  connectMs: 10_000,
  missingMs: 2_000,
  steadyMs: 5_000,
  /** In the line something is said each ten seconds. */
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
  /** The fold of the state lane at its newest entry. */
  state: SpaceState = EMPTY_STATE;
  audience = 0;
  cadenceMs: number = FASTEST_CADENCE_MS;
  /** How far apart the edge would like to push; `undefined`: as it does. */
  targetCadenceMs: number | undefined;
  /** What the edge would like ahead beyond the margin of the cadence. */
  reserveMs = 0;
  /** What is asked for, and from the first sound on what comes. */
  rendition: Rendition;
  /** Newest slot known to exist; `undefined` before the first. */
  headSlot: number | undefined;
  /** The edge has lost its stage. */
  isStageAway = false;
  /** In the line for a place, as last told; kept while connecting again. `undefined`: not in it. */
  waiting: QueuePosition | undefined;
  /** Why a connection was last refused or closed, by the error table; `undefined` when the network did it. */
  lastError: ErrorCode | undefined;
  /** On the monotonic clock; `undefined` when no retry is waiting. */
  retryAtMs: number | undefined;

  readonly #options: SessionOptions;
  readonly #reader: FrameReader;
  #connection: Connection | undefined;
  #timer: Timer | undefined;
  #ticker: Timer | undefined;
  #attempt = 0;
  #stateSinceMs = 0;
  #lastFrameMs = 0;
  #pingedMs: number | undefined;
  #clockPingMs = -Infinity;
  readonly #clockPingShare: number;
  /** The slowest cadence for which the buffer is known to hold enough. */
  #heldCadenceMs: number = FASTEST_CADENCE_MS;
  #missing = { slot: -1, sinceMs: 0, tries: 0 };
  #hasCursor = true;
  /** When the playhead is at the end of what is here, if nothing comes; in the past: nothing is heard. */
  #bufferEndsMs = 0;
  /** What the line was joined with. */
  #queuedSinceUtcMs: number | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.rendition = options.rendition ?? "32";
    this.#clockPingShare = (options.random ?? Math.random)();
    this.order = new SlotOrder(options.sink);
    this.#reader = {
      sound: (fragments, rendition) => this.#onSound(fragments, rendition),
      snapshot: (snapshot) => this.#onSnapshot(snapshot),
      state: (entries) => this.#onState(entries),
      notice: (notice) => this.#onNotice(notice),
    };
  }

  start(): void {
    this.#move("start");
  }

  /** Ends the session for good; nothing is called afterwards. */
  stop(): void {
    this.#move("stop");
  }

  /** The machine says that it has no network, or has it again: a dial that began before that is begun anew. */
  setOnline(isThere: boolean): void {
    if (isThere && this.link === "connecting") this.#move("lost");
    this.#move(isThere ? "network-back" : "network-lost");
  }

  /** Passes over what has not come yet, up to `slot`. */
  skipTo(slot: number): void {
    this.order.jump(slot);
  }

  /** Does what the buffer policy says of the connection. */
  applyAdvice({ skipToSlot, readyCadenceMs, askRendition, aheadMs }: ConnectionAdvice): void {
    if (aheadMs !== undefined) this.#bufferEndsMs = this.#options.clock.monotonicMs() + aheadMs;
    if (skipToSlot !== undefined) this.skipTo(skipToSlot);
    if (readyCadenceMs !== undefined) {
      this.#heldCadenceMs = Math.max(this.cadenceMs, readyCadenceMs);
      this.#send({ kind: "ready", cadenceMs: readyCadenceMs });
    }
    if (askRendition !== undefined) this.#send({ kind: "rendition", rendition: askRendition });
  }

  /** The edge's clock now, as far as pings tell. */
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
    if (after === "idle" || after === "ended" || after === "refused") this.#leaveQueue();
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
    const { url } = this.#options;
    const query = [`${LISTEN_QUERY.rendition}=${this.rendition}`];
    if (this.order.next !== undefined && this.#hasCursor)
      query.push(`${LISTEN_QUERY.nextSlot}=${this.order.next}`, `${LISTEN_QUERY.cadenceMs}=${this.#heldCadenceMs}`);
    if (this.state.seq > 0 && this.#hasCursor) query.push(`${LISTEN_QUERY.stateSeq}=${this.state.seq}`);
    if (this.#queuedSinceUtcMs !== undefined) query.push(`${LISTEN_QUERY.sinceUtcMs}=${this.#queuedSinceUtcMs}`);
    return `${url}?${query.join("&")}`;
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
    // An edge that says goodbye lets few go at a time.
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
    try {
      readFrame(bytes, this.#options.reading ?? "packets", this.#reader);
    } catch (error) {
      if (!isFrameFault(error)) throw error;
      this.#onBadFrame();
    }
  }

  #onBadFrame(): void {
    this.counts.badFrames += 1;
    this.#move("lost");
  }

  #onQueued({ place, estimateMs, sinceUtcMs }: Notice & { readonly kind: "waiting" }): void {
    this.waiting = { position: place, estimateMs };
    this.#queuedSinceUtcMs = sinceUtcMs;
    if (this.link !== "connecting") return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(SESSION_TIMES.waitingMs, () => this.#move("lost"));
  }

  #leaveQueue(): void {
    this.waiting = undefined;
    this.#queuedSinceUtcMs = undefined;
  }

  #onSnapshot(snapshot: Snapshot): void {
    const { state, headSlot, nextSlot } = snapshot;
    const { clock, onSnapshot } = this.#options;
    this.#timer?.cancel();
    this.#leaveQueue();
    if (state.seq >= this.state.seq) this.state = { ...EMPTY_STATE, ...state };
    this.audience = snapshot.audience;
    this.#setCadence(snapshot.cadenceMs);
    this.targetCadenceMs = undefined;
    this.reserveMs = snapshot.reserveMs ?? 0;
    this.rendition = snapshot.rendition;
    this.isStageAway = false;
    this.offset.guess(clock.utcMs(), snapshot.utcMs);
    if (headSlot !== null) this.headSlot = Math.max(headSlot, this.headSlot ?? 0);
    this.onAir.onSnapshot(this.state, headSlot ?? 0);
    this.#hasCursor = true;
    this.#move("snapshot");
    // What the log declared comes first: slots that never were do not put anybody behind.
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
    this.state = foldAll(entries, this.state);
    for (const entry of entries) this.onAir.onEntry(entry);
    this.#declareAbsences();
    this.#endWhenOver();
    this.#options.onChange?.();
  }

  #onNotice(notice: Notice): void {
    const { clock } = this.#options;
    if (notice.kind === "cadence") this.#setCadence(notice.cadenceMs);
    else if (notice.kind === "target") ({ cadenceMs: this.targetCadenceMs, reserveMs: this.reserveMs = 0 } = notice);
    else if (notice.kind === "skipped") this.order.skip(notice.from, notice.to);
    else if (notice.kind === "audience") this.audience = notice.audience;
    else if (notice.kind === "upstream") this.isStageAway = notice.away;
    else if (notice.kind === "waiting") this.#onQueued(notice);
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

  /** The space is over once its last slot was handed on. */
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
    const clockMs = this.offset.nextPingMs(cadenceMs, this.#clockPingShare);
    if (quiet || nowMs - this.#clockPingMs >= clockMs) this.#ping();
    this.#requestMissing(nowMs);
  }

  /** Later slots came and this one did not: ask for it anew, and after three times for whatever there is. */
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
    this.#send({ kind: "ping", echo: nowMs });
  }

  #send(said: ListenerMessage): void {
    this.#connection?.send(JSON.stringify(said));
  }
}
