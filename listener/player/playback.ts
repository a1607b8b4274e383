// The player in a browser: session, buffer policy, a MediaSource and hold music. SPEC.md §4 to §6.

import { type Clock, repeat, systemClock, type Timer } from "@hustings/flow/clock.ts";
import { initSegment, mediaSegment } from "@hustings/media/container/cmaf.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import type { Rendition } from "@hustings/wire/units.ts";
import { BUFFER, PREFILL_MS } from "../playout/buffer-policy.ts";
import type { EarEvent } from "../playout/ear-states.ts";
import { HeardLevels } from "../playout/heard-levels.ts";
import type { ListenerStats } from "../playout/listener-stats.ts";
import { statsOf } from "../playout/listener-stats.ts";
import { Playout } from "../playout/playout.ts";
import { playoutInputOf } from "../playout/playout-input.ts";
import { Session } from "../session/session.ts";
import { type Transport, webSocketTransport } from "../session/transport.ts";
import { createHoldMusic } from "./hold-music.ts";
import { type OpenSource, openSource } from "./media-source.ts";
import type { Player, PlayerView } from "./player.ts";
import { Playhead } from "./playhead.ts";

export interface PlayerOptions {
  /** `ws(s)://host/listen/ID`. */
  readonly url: string;
  /** The same sound as HLS, for casting from iPhones. The address may answer 404. */
  readonly hlsUrl?: string;
  readonly holdUrl: string;
  readonly rendition?: Rendition;
  /** Parent of the audio elements. Default: `document.body`. */
  readonly parent?: HTMLElement;
  readonly clock?: Clock;
  readonly transport?: Transport;
  readonly onChange?: () => void;
}

const STEP_MS = 30;
const HIDDEN_FILLER_MS = 2_000;
/** A hidden page's timers may fire once a second, so its buffer is that of this cadence (P7). */
const HIDDEN_CADENCE_MS = 1_000;
const EVICT_EVERY_MS = 10_000;
const KEEP_SECONDS = 30;
const PAUSE_LEAVES_MS = 5_000;
/** Measured in Chromium: 30 to 210 ms until the playhead moves on. */
const SEEK_MS = 130;
const STALL_PAD_MS = 400;
const MAX_FAULTS = 5;

export function createPlayer(options: PlayerOptions): Player {
  return new BrowserPlayer(options);
}

class BrowserPlayer implements Player {
  readonly element = document.createElement("audio");
  readonly #options: PlayerOptions;
  readonly #clock: Clock;
  readonly #playhead: Playhead;
  readonly #hold;
  readonly #closing = new AbortController();
  #playout!: Playout;
  #session!: Session;
  #levels = new HeardLevels();
  #source: OpenSource | undefined;
  #opening: Promise<void> | undefined;
  #segments: Uint8Array<ArrayBuffer>[] = [];
  #sequence = 0;
  #ticker: Timer | undefined;
  #leaveTimer: Timer | undefined;
  #evictedMs = 0;
  #faults = 0;
  #isListening = false;
  #hasFetchedHold = false;
  #shown = "";

  constructor(options: PlayerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#playhead = new Playhead(this.element, this.#clock);
    this.#hold = createHoldMusic(options.holdUrl, options.parent ?? document.body, this.#clock);
    this.element.preload = "auto";
    (options.parent ?? document.body).append(this.element);
    this.#startFresh();
    this.#watchPage();
  }

  prepare(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  listen(): void {
    if (this.#isListening) return;
    if (this.#leaveTimer) this.#leaveTimer.cancel();
    const isShortPause = this.#playout.ear === "paused" && this.#leaveTimer !== undefined;
    this.#leaveTimer = undefined;
    if (!isShortPause && !this.#isFresh()) this.#startFresh();
    this.#isListening = true;
    void this.prepare();
    this.#playout.tap(this.#clock.monotonicMs());
    if (!isShortPause) this.#playhead.quieten();
    this.#play();
    this.#hold.unlock();
    this.#session.start();
    this.#ticker = repeat(this.#clock, STEP_MS, () => this.#step());
    this.#changed();
  }

  pause(): void {
    if (!this.#isListening) return;
    this.#playout.dispatch("pause");
    this.#silence();
    this.#leaveTimer = this.#clock.after(PAUSE_LEAVES_MS, () => {
      this.#leaveTimer = undefined;
      this.#renew("tap", "pause");
    });
    this.#changed();
  }

  stop(): void {
    this.#leaveTimer?.cancel();
    this.#leaveTimer = undefined;
    this.#silence();
    this.#renew();
  }

  jumpToLive(): void {
    this.#playout.jump();
  }

  close(): void {
    this.#closing.abort();
    this.#leaveTimer?.cancel();
    this.#silence();
    this.#session.stop();
    this.#source?.close();
    this.#hold.close();
    this.#playhead.close();
    this.element.remove();
  }

  view(): PlayerView {
    const { link, state, audience, retryAtMs, waiting } = this.#session;
    const { ear } = this.#playout;
    return {
      link,
      ear,
      isListening: this.#isListening,
      state,
      audience,
      retryInMs: retryAtMs === undefined ? undefined : Math.max(0, retryAtMs - this.#clock.monotonicMs()),
      waiting,
    };
  }

  stats(): ListenerStats {
    return statsOf(this.#session, this.#playout, this.#playhead.stallCount);
  }

  levels(): readonly SeatLevel[] {
    return this.#isListening ? this.#levels.at(this.#playhead.samples) : [];
  }

  /** The element stays, because the tap has unlocked it. */
  #startFresh(): void {
    const { url, rendition, transport } = this.#options;
    this.#source?.close();
    this.#source = undefined;
    this.#opening = undefined;
    this.#segments = [initSegment()];
    this.#sequence = 0;
    this.#levels = new HeardLevels();
    this.#playhead.reset();
    const playout = new Playout(
      (at, packets) => this.#write(at, packets),
      (at, levels) => {
        this.#levels.add(at, levels);
        if (document.hidden) queueMicrotask(() => this.#step());
      },
      rendition,
    );
    playout.seekMs = SEEK_MS;
    this.#playout = playout;
    const session: Session = new Session({
      url,
      clock: this.#clock,
      transport: transport ?? webSocketTransport(WebSocket),
      sink: playout,
      ...(rendition === undefined ? {} : { rendition }),
      onSnapshot: (snapshot) => session.skipTo(playout.onSnapshot({ ...snapshot, turnSlot: session.order.next }) ?? 0),
      onChange: () => queueMicrotask(() => this.#session === session && this.#step()),
    });
    this.#session = session;
    playout.prefill(PREFILL_MS);
  }

  #renew(...events: readonly EarEvent[]): void {
    this.#session.stop();
    this.#startFresh();
    for (const event of events) this.#playout.dispatch(event);
    if (this.#playout.ear !== "unplayable") void this.prepare();
    this.#changed();
  }

  #isFresh(): boolean {
    return this.#session.counts.connections === 0 && this.#playout.ear !== "unplayable";
  }

  async #open(): Promise<void> {
    const playout = this.#playout;
    const proof = this.#segments;
    this.#segments = [];
    const { hlsUrl } = this.#options;
    const source = await openSource({
      element: this.element,
      hlsUrl,
      proof,
      onBuffered: () => this.#playhead.seekWhenBuffered(),
      onFault: () => this.#onSourceFault(playout),
    });
    if (playout !== this.#playout) {
      source?.close();
      return;
    }
    this.#source = source;
    if (!source) this.#playout.dispatch("no-codec");
    for (const bytes of this.#segments) source?.append(bytes);
    this.#segments = [];
    if (this.#isListening && this.element.paused) this.#play();
    this.#changed();
  }

  #write(atSamples: number, packets: readonly Uint8Array[]): void {
    this.#sequence += 1;
    const bytes = mediaSegment({ sequence: this.#sequence, decodeTimeSamples: atSamples, packets });
    if (this.#source) this.#source.append(bytes);
    else this.#segments.push(bytes);
  }

  /** Opens another source and enters the space at its head. */
  #onSourceFault(playout: Playout): void {
    if (playout !== this.#playout || !this.#source) return;
    this.#faults += 1;
    const wasListening = this.#isListening;
    this.#silence();
    if (this.#faults > MAX_FAULTS) this.#renew("no-codec");
    else this.#renew();
    if (wasListening) this.listen();
  }

  #play(): void {
    const playout = this.#playout;
    this.element.play().catch((error: unknown) => {
      if (playout !== this.#playout || !(error instanceof DOMException) || error.name !== "NotAllowedError") return;
      this.#silence();
      this.#renew("tap", "rejected");
    });
  }

  #silence(): void {
    this.#isListening = false;
    this.#ticker?.cancel();
    this.element.pause();
    this.#hold.setPlaying(false);
    this.#playhead.onPause();
  }

  #step(): void {
    if (!this.#isListening) {
      this.#changed();
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    const playout = this.#playout;
    if (this.#playhead.isSeeking(nowMs)) return;
    playout.fillerMs = document.hidden ? HIDDEN_FILLER_MS : BUFFER.fillerMs;
    playout.leastCadenceMs = document.hidden ? HIDDEN_CADENCE_MS : 0;
    const advice = playout.advance(this.#playhead.samples, nowMs, playoutInputOf(this.#session));
    if (this.element.playbackRate !== advice.rate) this.element.playbackRate = advice.rate;
    if (advice.seekToSamples !== undefined) this.#playhead.seekTo(advice.seekToSamples, nowMs);
    this.#session.applyAdvice(advice);
    this.#hold.setPlaying(playout.ear === "holding");
    if (playout.ear === "playing" && !this.#hasFetchedHold) {
      this.#hasFetchedHold = true;
      this.#hold.prefetch();
    }
    if (playout.ear === "playing") this.#playhead.raiseVolume();
    if (this.#playhead.recoverFromStall(nowMs, () => playout.pad(STALL_PAD_MS)) && this.element.paused) this.#play();
    this.#evict(nowMs);
    if (playout.ear === "finished") this.#silence();
    this.#changed();
  }

  #evict(nowMs: number): void {
    if (nowMs - this.#evictedMs < EVICT_EVERY_MS) return;
    this.#evictedMs = nowMs;
    this.#source?.evictBefore(this.element.currentTime - KEEP_SECONDS);
  }

  #watchPage(): void {
    const { signal } = this.#closing;
    // Paused by the lock screen, another app or a disconnected headset.
    this.element.addEventListener("pause", () => this.element.paused && this.pause(), { signal });
    addEventListener("online", () => this.#session.setOnline(true), { signal });
    addEventListener("offline", () => this.#session.setOnline(false), { signal });
    document.addEventListener("visibilitychange", () => this.#step(), { signal });
  }

  #changed(): void {
    const { link, ear, audience, state } = this.view();
    const shown = `${link} ${ear} ${audience} ${state.seq} ${this.#isListening}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#options.onChange?.();
  }
}
