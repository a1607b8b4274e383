// A listener without a loudspeaker, for tests and the command line. Decodes no sound, but follows the buffer policy.

import { type Clock, repeat, systemClock } from "@hustings/flow/clock.ts";
import type { RetryPolicy } from "@hustings/flow/retry.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import type { MomentEntry } from "@hustings/wire/log/lanes.ts";
import type { SpaceState } from "@hustings/wire/log/state.ts";
import { type Rendition, SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import { PREFILL_MS } from "../playout/buffer-policy.ts";
import { HeardLevels } from "../playout/heard-levels.ts";
import type { Histogram } from "../playout/histogram.ts";
import type { ListenerStats } from "../playout/listener-stats.ts";
import { statsOf } from "../playout/listener-stats.ts";
import { Playout } from "../playout/playout.ts";
import { playoutInputOf } from "../playout/playout-input.ts";
import { Session } from "../session/session.ts";
import type { BreakReason, SlotSink } from "../session/slot-order.ts";
import { type Transport, type WebSocketClass, webSocketTransport } from "../session/transport.ts";

export interface HeadlessOptions {
  /** `ws(s)://host/listen/ID`. */
  readonly url: string;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly rendition?: Rendition;
  /** Default: the global WebSocket. */
  readonly WebSocketImpl?: WebSocketClass;
  readonly transport?: Transport;
  readonly policy?: RetryPolicy;
  /** Checks checksums and the order of slots. Without this, `sink` and `onWrite`, only slot numbers are read. */
  readonly verify?: boolean;
  readonly sink?: SlotSink;
  /** Every packet on the timeline, local filler included (`slot` -1). */
  readonly onWrite?: (atSamples: number, packets: readonly Uint8Array[], slot: number) => void;
  readonly onSeek?: (fromSamples: number, toSamples: number) => void;
  readonly onMoments?: (moments: readonly MomentEntry[]) => void;
  readonly onChange?: () => void;
}

export interface HeadlessListener extends Disposable {
  readonly session: Session;
  readonly state: SpaceState;
  stats(): ListenerStats;
  readonly mouthToEar: Histogram;
  /** Found by `verify`: slots out of order, repeated or missing; at most MAX_FAULTS. */
  readonly faults: readonly string[];
  readonly playheadSamples: number;
  /** Levels at the playhead, loudest first. */
  levels(): readonly SeatLevel[];
  /** As in a browser's player. */
  jumpToLive(): void;
  stop(): void;
}

/** Shorter than the smallest buffer, so that the playhead cannot reach its end between two steps. */
const TICK_MS = 100;
const MAX_FAULTS = 100;
const SAMPLES_PER_MS = SAMPLE_RATE_HZ / 1000;

export function startHeadlessListener(options: HeadlessOptions): HeadlessListener {
  return new Headless(options);
}

class Headless implements HeadlessListener {
  readonly session: Session;
  readonly faults: string[] = [];
  playheadSamples = 0;
  readonly #options: HeadlessOptions;
  readonly #clock: Clock;
  readonly #playout: Playout;
  readonly #ticker: Disposable;
  #movedMs: number;
  #isFollowing = false;
  readonly #levels = new HeardLevels();
  #expected: number | undefined;

  constructor(options: HeadlessOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#playout = new Playout(
      options.onWrite ?? (() => undefined),
      (at, levels) => this.#levels.add(at, levels),
      options.rendition,
    );
    this.session = new Session({
      ...options,
      clock: this.#clock,
      transport: options.transport ?? webSocketTransport(options.WebSocketImpl ?? globalSocket()),
      reading: options.verify || options.sink || options.onWrite ? "packets" : "slots",
      sink: this.#sink(),
      onChange: () => this.#changed(),
      onSnapshot: (snapshot) =>
        this.session.skipTo(this.#playout.onSnapshot({ ...snapshot, turnSlot: this.session.order.next }) ?? 0),
    });
    this.#movedMs = this.#clock.monotonicMs();
    this.#playout.prefill(PREFILL_MS);
    this.#playout.tap(this.#movedMs);
    const ticker = repeat(this.#clock, TICK_MS, () => this.#step());
    this.#ticker = { [Symbol.dispose]: () => ticker.cancel() };
    this.session.start();
  }

  #changed(): void {
    this.#options.onChange?.();
    if (this.session.link !== "following" || this.#isFollowing) return;
    this.#isFollowing = true;
    this.#clock.after(0, () => this.#step());
  }

  get state(): SpaceState {
    return this.session.state;
  }

  get mouthToEar(): Histogram {
    return this.#playout.mouthToEar;
  }

  stats(): ListenerStats {
    return statsOf(this.session, this.#playout, 0);
  }

  levels(): readonly SeatLevel[] {
    return this.#levels.at(this.playheadSamples);
  }

  jumpToLive(): void {
    this.#playout.jump();
  }

  stop(): void {
    this.#ticker[Symbol.dispose]();
    this.session.stop();
    this.#playout.dispatch("stop");
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #step(): void {
    if (this.session.link === "idle") return;
    const nowMs = this.#clock.monotonicMs();
    const moved = (nowMs - this.#movedMs) * SAMPLES_PER_MS * this.#playout.pace.rate;
    this.#movedMs = nowMs;
    this.playheadSamples = Math.min(this.#playout.timeline.endSamples, this.playheadSamples + moved);
    const advice = this.#playout.advance(this.playheadSamples, nowMs, playoutInputOf(this.session));
    if (advice.seekToSamples !== undefined) {
      this.#options.onSeek?.(this.playheadSamples, advice.seekToSamples);
      this.playheadSamples = advice.seekToSamples;
      this.#clock.after(0, () => this.#step());
    }
    this.session.applyAdvice(advice);
    if (this.#playout.ear === "finished") this.#ticker[Symbol.dispose]();
  }

  #sink(): SlotSink {
    const { sink, verify } = this.#options;
    const playout = this.#playout;
    const checkOrder = (from: number, to: number, what: string) => verify && this.#check(from, to, what);
    return {
      sound: (slot, packets, levels) => {
        checkOrder(slot, slot + 1, "sound");
        sink?.sound(slot, packets, levels);
        playout.sound(slot, packets, levels);
      },
      absent: (from, to) => {
        checkOrder(from, to, "absent");
        sink?.absent(from, to);
        playout.absent(from, to);
      },
      break: (from: number, to: number, reason: BreakReason) => {
        checkOrder(from, to, reason);
        sink?.break(from, to, reason);
        playout.break(from, to, reason);
      },
    };
  }

  #check(from: number, to: number, what: string): void {
    if (this.#expected !== undefined && from !== this.#expected && this.faults.length < MAX_FAULTS)
      this.faults.push(`${what} ${from} came where ${this.#expected} was due`);
    this.#expected = to;
  }
}

function globalSocket(): WebSocketClass {
  const { WebSocket } = globalThis as unknown as { readonly WebSocket?: WebSocketClass };
  if (!WebSocket) throw new Error("This runtime has no WebSocket; pass WebSocketImpl.");
  return WebSocket;
}
