// The player for browsers that play Opus only by native HLS. Loaded on demand. SPEC.md §7, U12.

import { type Clock, repeat, systemClock, type Timer } from "@hustings/flow/clock.ts";
import { RECONNECT, retryDelayMs } from "@hustings/flow/retry.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import { EMPTY_STATE } from "@hustings/wire/log/state.ts";
import { USUAL_RENDITION } from "@hustings/wire/units.ts";
import { EAR_TABLE, type EarEvent, type EarState } from "../playout/ear-states.ts";
import type { ListenerStats } from "../playout/listener-stats.ts";
import type { LinkState } from "../session/link-states.ts";
import type { Player, PlayerView } from "./player.ts";

export interface NativeOptions {
  readonly hlsUrl: string;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly parent?: HTMLElement;
  readonly onChange?: () => void;
}

export interface NativePlayer extends Player {
  /** It may name a CDN. */
  onRoom(room: RoomDocument): void;
}

const CHECK_MS = 1_000;
/** A playhead that stands for this long means that the playlist failed; browsers retry until then. */
const STUCK_MS = 15_000;
/** Each failure gives a slow device more time, up to this. */
const LONGEST_STUCK_MS = 60_000;
const STEADY_MS = 5_000;
/** Players start three target durations before the end (RFC 8216 §6.3.3). */
const USUAL_MS = 12_000;

export function createNativePlayer(options: NativeOptions): NativePlayer {
  return new NativeHlsPlayer(options);
}

class NativeHlsPlayer implements NativePlayer {
  readonly element = document.createElement("audio");
  readonly #options: NativeOptions;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #room: RoomDocument | undefined;
  #link: LinkState = "idle";
  #ear: EarState = "probing";
  #isListening = false;
  #ticker: Timer | undefined;
  #retry: Timer | undefined;
  #retryAtMs: number | undefined;
  #attempt = 0;
  #connections = 0;
  #movedMs = 0;
  #playingMs = Infinity;
  #lastTime = 0;
  #tappedMs = 0;
  #firstSoundMs: number | undefined;

  constructor(options: NativeOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.element.preload = "none";
    (options.parent ?? document.body).append(this.element);
    const { signal } = this.#closing;
    this.element.addEventListener("playing", () => this.#onPlaying(), { signal });
    this.element.addEventListener("waiting", () => this.#dispatch("filler"), { signal });
    this.element.addEventListener("ended", () => this.#onEnded(), { signal });
    this.element.addEventListener("error", () => this.#retryLater(), { signal });
    this.element.addEventListener("pause", () => this.#onPause(), { signal });
  }

  async prepare(): Promise<void> {
    this.#options.onChange?.();
  }

  listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    this.#attempt = 0;
    this.#tappedMs = this.#clock.monotonicMs();
    this.#dispatch("tap");
    this.#ticker = repeat(this.#clock, CHECK_MS, () => this.#check());
    this.#load();
  }

  pause(): void {
    if (!this.#isListening) return;
    this.#unload("idle");
    this.#dispatch("pause");
  }

  stop(): void {
    this.#unload("idle");
    this.#dispatch("stop");
  }

  jumpToLive(): void {
    const { seekable } = this.element;
    if (seekable.length === 0) return;
    const liveSeconds = seekable.end(seekable.length - 1) - USUAL_MS / 1_000;
    this.element.currentTime = Math.max(this.element.currentTime, liveSeconds);
  }

  close(): void {
    this.#closing.abort();
    this.#unload("idle");
    this.element.remove();
  }

  onRoom(room: RoomDocument): void {
    this.#room = room;
  }

  view(): PlayerView {
    const nowMs = this.#clock.monotonicMs();
    return {
      ...{ link: this.#link, ear: this.#ear, isListening: this.#isListening },
      ...{ state: EMPTY_STATE, audience: this.#room?.audience ?? 0, waiting: undefined },
      retryInMs: this.#retryAtMs === undefined ? undefined : Math.max(0, this.#retryAtMs - nowMs),
    };
  }

  stats(): ListenerStats {
    const none = { gaps: 0, gapMs: 0, awayMs: 0, heldMs: 0, skippedSlots: 0, jumps: 0, absentSlots: 0 };
    const nothing = { frames: 0, bytes: 0, badFrames: 0, newSlots: 0, duplicates: 0, stalls: 0, heardSlots: 0 };
    const lagMs = this.#lagMs();
    return {
      ...{ ...none, ...nothing, link: this.#link, ear: this.#ear, connections: this.#connections },
      ...{ firstSoundMs: this.#firstSoundMs, lagMs, aheadMs: 0, targetMs: USUAL_MS, usualLagMs: USUAL_MS },
      ...{ rate: 1, rateChanges: 0, cadenceMs: USUAL_MS, rendition: USUAL_RENDITION },
      mouthToEarMs: { last: lagMs, p50: undefined, p95: undefined },
    };
  }

  levels(): readonly [] {
    return [];
  }

  #load(): void {
    const { hlsUrl } = this.#options;
    this.#retryAtMs = undefined;
    this.#connections += 1;
    this.#link = "connecting";
    this.#movedMs = this.#clock.monotonicMs();
    this.#playingMs = Infinity;
    this.element.src = new URL(this.#room?.pull ?? hlsUrl, document.baseURI).href;
    this.element.play().catch((error: unknown) => {
      if (!this.#isListening || !(error instanceof DOMException) || error.name !== "NotAllowedError") return;
      this.#unload("idle");
      this.#dispatch("rejected");
    });
    this.#options.onChange?.();
  }

  #onPlaying(): void {
    if (!this.#isListening) return;
    const nowMs = this.#clock.monotonicMs();
    this.#firstSoundMs ??= nowMs - this.#tappedMs;
    this.#playingMs = nowMs;
    this.#link = "following";
    this.#dispatch("voice");
    if (this.#room) this.onRoom(this.#room);
  }

  #onPause(): void {
    const { paused, ended, error } = this.element;
    if (paused && !ended && !error && this.#retryAtMs === undefined) this.pause();
  }

  #retryLater(): void {
    if (!this.#isListening || this.#retryAtMs !== undefined) return;
    const { random = Math.random } = this.#options;
    const delayMs = retryDelayMs(RECONNECT, this.#attempt++, random) ?? 0;
    this.#link = "waiting-retry";
    this.#retryAtMs = this.#clock.monotonicMs() + delayMs;
    this.#retry = this.#clock.after(delayMs, () => this.#load());
    this.#options.onChange?.();
  }

  #onEnded(): void {
    this.#unload("ended");
    this.#dispatch("end");
  }

  #check(): void {
    const { currentTime } = this.element;
    const nowMs = this.#clock.monotonicMs();
    if (currentTime !== this.#lastTime) this.#movedMs = nowMs;
    this.#lastTime = currentTime;
    if (nowMs - this.#playingMs > STEADY_MS && nowMs - this.#movedMs < CHECK_MS * 2) this.#attempt = 0;
    if (nowMs - this.#movedMs > Math.min(STUCK_MS * (this.#attempt + 1), LONGEST_STUCK_MS)) this.#retryLater();
    this.#options.onChange?.();
  }

  /** Calculated from the date of the element's time zero (Safari), else the usual lag. */
  #lagMs(): number {
    const { element } = this;
    const { getStartDate } = element as unknown as { readonly getStartDate?: () => Date };
    const startUtcMs = getStartDate?.call(element).getTime() ?? Number.NaN;
    if (Number.isFinite(startUtcMs)) return Math.max(0, this.#clock.utcMs() - startUtcMs - element.currentTime * 1_000);
    return this.#link === "following" ? USUAL_MS : 0;
  }

  #unload(link: LinkState): void {
    this.#isListening = false;
    this.#link = link;
    this.#ticker?.cancel();
    this.#retry?.cancel();
    this.#retryAtMs = undefined;
    this.element.pause();
    this.element.removeAttribute("src");
    this.element.load();
  }

  #dispatch(event: EarEvent): void {
    this.#ear = EAR_TABLE[this.#ear][event];
    this.#options.onChange?.();
  }
}
