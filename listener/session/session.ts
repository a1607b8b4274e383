// Owns a listener's connection to a space: connects, folds state, orders slots, keeps the cursor, comes back.
// Runs in browsers and in Node. Refuses to know players, and reads no clock but the one it is given. SPEC.md §2, §3.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { repeat } from "@hustings/flow/clock.ts";
import { RECONNECT, type RetryPolicy } from "@hustings/flow/retry.ts";
import type { ErrorCode } from "@hustings/wire/errors.ts";
import { FASTEST_CADENCE_MS } from "@hustings/wire/listen/cadence.ts";
import type { ListenerMessage, Notice, Snapshot } from "@hustings/wire/listen/frames.ts";
import type { Fragment } from "@hustings/wire/log/fragment.ts";
import { EMPTY_STATE, foldAll, type SpaceState, type StateEntry } from "@hustings/wire/log/state.ts";
import { LISTEN_QUERY } from "@hustings/wire/routes.ts";
import type { Rendition } from "@hustings/wire/units.ts";
import { ClockOffset, SLOW_CADENCE_MS } from "./clock-offset.ts";
import { afterClose, errorOfClose, retryHintMs } from "./close-policy.ts";
import { type FrameReader, isFrameFault, isRange, readFrame, type SoundReading } from "./frame-reader.ts";
import { LINK_TABLE, type LinkEvent, type LinkState } from "./link-states.ts";
import { AirMarks } from "./on-air.ts";
import { comeBackMs } from "./reconnect-delay.ts";
import { pongWithinMs, quietAfterMs } from "./silence-timeout.ts";
import { type Sink, SlotOrder } from "./slot-order.ts";
import type { Link, Transport } from "./transport.ts";

export interface SessionOptions {
  /** `ws(s)://host/listen/ID`, without a query. */
  readonly url: string;
  readonly clock: Clock;
  readonly transport: Transport;
  readonly sink: Sink;
  /** "32" where absent. */
  readonly rendition?: Rendition;
  /** "packets" where absent. */
  readonly reading?: SoundReading;
  readonly random?: () => number;
  readonly policy?: RetryPolicy;
  /** The first message of each connection, before any of its sound. */
  readonly onSnapshot?: (snapshot: Snapshot) => void;
  /** Something in the session's public fields changed. Called from within; must not call back. */
  readonly onChange?: () => void;
}

/** What the buffer policy asks of the session; absent: nothing. */
export interface Wish {
  readonly skipToSlot?: number;
  /** The buffer holds this cadence. */
  readonly readyCadenceMs?: number;
  readonly askRendition?: Rendition;
  /** What is ahead of the playhead just now. */
  readonly aheadMs?: number;
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
  readonly air = new AirMarks();
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
  upstreamAway = false;
  /** In the line for a place, as last told; kept while connecting again. `undefined`: not in it. */
  waiting: { readonly place: number; readonly estimateMs: number | null } | undefined;
  /** Why a connection was last refused or closed, by the error table; `undefined` when the network did it. */
  lastError: ErrorCode | undefined;
  /** On the monotonic clock; `undefined` when no retry is waiting. */
  retryAtMs: number | undefined;

  readonly #options: SessionOptions;
  readonly #reader: FrameReader;
  #connection: Link | undefined;
  #timer: Timer | undefined;
  #ticker: Timer | undefined;
  #attempt = 0;
  #sinceMs = 0;
  #heardMs = 0;
  #pingedMs: number | undefined;
  #clockPingMs = -Infinity;
  readonly #clockShare: number;
  /** The slowest cadence for which the buffer is known to hold enough. */
  #heldCadenceMs: number = FASTEST_CADENCE_MS;
  #stuck = { slot: -1, sinceMs: 0, tries: 0 };
  #useCursor = true;
  /** When the playhead is at the end of what is here, if nothing comes; in the past: nothing is heard. */
  #dryMs = 0;
  /** What the line was joined with. */
  #sinceUtcMs: number | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.rendition = options.rendition ?? "32";
    this.#clockShare = (options.random ?? Math.random)();
    this.order = new SlotOrder(options.sink);
    this.#reader = {
      sound: (fragments, rendition) => this.#sound(fragments, rendition),
      snapshot: (snapshot) => this.#snapshot(snapshot),
      state: (entries) => this.#state(entries),
      notice: (notice) => this.#notice(notice),
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
  network(isThere: boolean): void {
    if (isThere && this.link === "connecting") this.#move("lost");
    this.#move(isThere ? "network-back" : "network-lost");
  }

  /** Passes over what has not come yet, up to `slot`. */
  skipTo(slot: number): void {
    this.order.jump(slot);
  }

  /** Does what the buffer policy says of the connection. */
  heed({ skipToSlot, readyCadenceMs, askRendition, aheadMs }: Wish): void {
    if (aheadMs !== undefined) this.#dryMs = this.#options.clock.monotonicMs() + aheadMs;
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
    this.#sinceMs = this.#options.clock.monotonicMs();
    this.#timer?.cancel();
    this.retryAtMs = undefined;
    const isOpen = after === "first-flight" || after === "following";
    if (!isOpen) this.#hangUp(event === "stop" ? 1000 : undefined);
    if (after === "idle" || after === "ended" || after === "refused") this.#leaveLine();
    if (after === "connecting") this.#connect();
    if (after === "waiting-retry" || after === "offline") this.#wait(atLeastMs, before === "following");
    this.#options.onChange?.();
  }

  #connect(): void {
    const { clock, transport } = this.#options;
    this.counts.connections += 1;
    this.#heardMs = clock.monotonicMs();
    this.#pingedMs = undefined;
    this.#timer = clock.after(SESSION_TIMES.connectMs, () => this.#move("lost"));
    this.#ticker = repeat(clock, TICK_MS, () => this.#tick());
    this.#connection = transport(this.#address(), {
      opened: () => undefined,
      frame: (bytes) => this.#frame(bytes),
      text: () => this.#fault(),
      closed: (code, reason) => this.#closed(code, reason),
    });
  }

  #address(): string {
    const { url } = this.#options;
    const query = [`${LISTEN_QUERY.rendition}=${this.rendition}`];
    if (this.order.next !== undefined && this.#useCursor)
      query.push(`${LISTEN_QUERY.nextSlot}=${this.order.next}`, `${LISTEN_QUERY.cadenceMs}=${this.#heldCadenceMs}`);
    if (this.state.seq > 0 && this.#useCursor) query.push(`${LISTEN_QUERY.stateSeq}=${this.state.seq}`);
    if (this.#sinceUtcMs !== undefined) query.push(`${LISTEN_QUERY.sinceUtcMs}=${this.#sinceUtcMs}`);
    return `${url}?${query.join("&")}`;
  }

  #hangUp(code: number | undefined): void {
    this.#ticker?.cancel();
    this.#connection?.close(code);
    this.#connection = undefined;
  }

  #wait(atLeastMs: number, wasHeard: boolean): void {
    const { clock, random = Math.random, policy = RECONNECT } = this.#options;
    const aheadMs = wasHeard ? this.#dryMs - clock.monotonicMs() : 0;
    const { cadenceMs, reserveMs } = this;
    const delayMs = comeBackMs(policy, { attempt: this.#attempt, atLeastMs, aheadMs, cadenceMs, reserveMs }, random);
    if (delayMs === undefined) {
      this.#move("final");
      return;
    }
    this.#attempt += 1;
    this.retryAtMs = clock.monotonicMs() + delayMs;
    this.#timer = clock.after(delayMs, () => this.#move("retry-due"));
  }

  #closed(closeCode: number, reason: string): void {
    this.#connection = undefined;
    this.lastError = errorOfClose(closeCode);
    const next = afterClose(this.lastError);
    if (next === "anew") this.#useCursor = false;
    if (next === "elsewhere") this.#attempt = 0;
    // An edge that says goodbye lets few go at a time.
    if (this.lastError !== undefined) this.#dryMs = 0;
    if (next === "over") this.#move("over");
    else if (next === "never") this.#move("final");
    else this.#move("lost", retryHintMs(reason));
  }

  #frame(bytes: Uint8Array): void {
    this.counts.frames += 1;
    this.counts.bytes += bytes.length;
    this.#heardMs = this.#options.clock.monotonicMs();
    this.#pingedMs = undefined;
    try {
      readFrame(bytes, this.#options.reading ?? "packets", this.#reader);
    } catch (error) {
      if (!isFrameFault(error)) throw error;
      this.#fault();
    }
  }

  #fault(): void {
    this.counts.badFrames += 1;
    this.#move("lost");
  }

  #stand({ place, estimateMs, sinceUtcMs }: Notice & { readonly kind: "waiting" }): void {
    this.waiting = { place, estimateMs };
    this.#sinceUtcMs = sinceUtcMs;
    if (this.link !== "connecting") return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(SESSION_TIMES.waitingMs, () => this.#move("lost"));
  }

  #leaveLine(): void {
    this.waiting = undefined;
    this.#sinceUtcMs = undefined;
  }

  #snapshot(snapshot: Snapshot): void {
    const { state, headSlot, nextSlot } = snapshot;
    const { clock, onSnapshot } = this.#options;
    this.#timer?.cancel();
    this.#leaveLine();
    if (state.seq >= this.state.seq) this.state = { ...EMPTY_STATE, ...state };
    this.audience = snapshot.audience;
    this.#setCadence(snapshot.cadenceMs);
    this.targetCadenceMs = undefined;
    this.reserveMs = snapshot.reserveMs ?? 0;
    this.rendition = snapshot.rendition;
    this.upstreamAway = false;
    this.offset.guess(clock.utcMs(), snapshot.utcMs);
    if (headSlot !== null) this.headSlot = Math.max(headSlot, this.headSlot ?? 0);
    this.air.snapshot(this.state, headSlot ?? 0);
    this.#useCursor = true;
    this.#move("snapshot");
    // What the log declared comes first: slots that never were do not put anybody behind.
    this.#declare();
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

  #sound(fragments: readonly Fragment[], rendition: Rendition): void {
    this.rendition = rendition;
    for (const fragment of fragments) {
      if (fragment.slot > (this.headSlot ?? -1)) this.headSlot = fragment.slot;
      if (this.order.receive(fragment)) this.counts.newSlots += 1;
    }
    if (this.link === "first-flight") this.#move("sound");
    if (this.state.phase === "ended") this.#endWhenOver();
  }

  #state(entries: readonly StateEntry[]): void {
    this.state = foldAll(entries, this.state);
    for (const entry of entries) this.air.entry(entry);
    this.#declare();
    this.#endWhenOver();
    this.#options.onChange?.();
  }

  #notice(notice: Notice): void {
    const { clock } = this.#options;
    if (notice.kind === "cadence") this.#setCadence(notice.cadenceMs);
    else if (notice.kind === "target") ({ cadenceMs: this.targetCadenceMs, reserveMs: this.reserveMs = 0 } = notice);
    else if (notice.kind === "skipped") this.order.skip(notice.from, notice.to);
    else if (notice.kind === "audience") this.audience = notice.audience;
    else if (notice.kind === "upstream") this.upstreamAway = notice.away;
    else if (notice.kind === "waiting") this.#stand(notice);
    else if (notice.kind === "pong") {
      this.offset.answer(notice.echo, clock.monotonicMs(), clock.utcMs(), notice.utcMs);
      return;
    }
    this.#options.onChange?.();
  }

  #declare(): void {
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
    if (nowMs - this.#sinceMs >= SESSION_TIMES.steadyMs) this.#attempt = 0;
    const { cadenceMs, reserveMs } = this;
    if (this.#pingedMs !== undefined && nowMs - this.#pingedMs >= pongWithinMs(cadenceMs, reserveMs)) {
      this.#move("lost");
      return;
    }
    const quiet = nowMs - this.#heardMs >= quietAfterMs(cadenceMs, reserveMs) && this.#pingedMs === undefined;
    const clockMs = this.offset.askAfterMs(cadenceMs, this.#clockShare);
    if (quiet || nowMs - this.#clockPingMs >= clockMs) this.#ping();
    this.#askForMissing(nowMs);
  }

  /** Later slots came and this one did not: ask for it anew, and after three times for whatever there is. */
  #askForMissing(nowMs: number): void {
    const { next } = this.order;
    if (next === undefined || this.order.heldCount === 0) return;
    if (next !== this.#stuck.slot) {
      this.#stuck = { slot: next, sinceMs: nowMs, tries: 0 };
      return;
    }
    if (nowMs - this.#stuck.sinceMs < SESSION_TIMES.missingMs) return;
    this.#stuck.sinceMs = nowMs;
    this.#stuck.tries += 1;
    if (this.#stuck.tries > MISSING_TRIES) this.order.skip(next, this.order.firstHeld ?? next);
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
