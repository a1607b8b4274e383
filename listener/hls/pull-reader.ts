// Follows a space's HLS playlist: delivers each slot once, in order, or reports it as skipped. SPEC.md §7, U3 to U8.

import type { Clock } from "@hustings/flow/clock.ts";
import { sleep } from "@hustings/flow/clock.ts";
import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import { BadCmaf, readSlots, type SlotPackets } from "@hustings/media/container/cmaf-reader.ts";
import {
  BadPlaylist,
  type ListedObject,
  MAX_PLAYLIST_BYTES,
  type ReadPlaylist,
  readPlaylist,
} from "@hustings/media/hls/playlist-reader.ts";
import type { SlotRange } from "@hustings/wire/slots.ts";
import type { Rendition } from "@hustings/wire/units.ts";
import { planFetches } from "./fetch-plan.ts";
import { type GetOutcome, getOnce, type HttpGet } from "./http-get.ts";

/** No call follows `onEnded`, `onFailed` or `stop`. */
export interface PullEvents {
  onNotStarted(): void;
  /** Comes before the sound that it adds. */
  onPlaylist(playlist: ReadPlaylist): void;
  onSound(slots: readonly SlotPackets[], rendition: Rendition): void;
  /** Existing slots that the origin does not have. */
  onSkipped(range: SlotRange): void;
  onEnded(): void;
  /** Called after the tries of PULL_RETRY. `retryAfterMs`: requested by the origin; 0: not requested. */
  onFailed(retryAfterMs: number): void;
}

export interface PullReaderOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly get: HttpGet;
  readonly hlsUrl: string;
  readonly rendition: Rendition;
  /** `undefined`: a newcomer. */
  readonly next: number | undefined;
  readonly events: PullEvents;
}

/** Retries of one request; then the session reconnects by L3. */
export const PULL_RETRY: RetryPolicy = { firstMs: 500, capMs: 4_000, tries: 4 };
export const PULL_TIMES = {
  /** An edge blocks a reload for up to 12 s. */
  reloadDeadlineMs: 15_000,
  fetchDeadlineMs: 8_000,
  minReloadMs: 200,
  /** Wait after a reload without news: this, or up to half as much longer. */
  staleMs: 1_000,
  notStartedMs: 5_000,
} as const;
const MAX_LATER_ANSWERS = 5;
const MAX_OBJECT_BYTES = 256 * 1024;
const MAX_IN_FLIGHT = 3;
/** A newcomer's slots, from parts and from segments: the usual buffer and a little more. */
const ENTER_SLOTS = { parts: 24, segments: 60 };

class GivenUp extends Error {
  readonly retryAfterMs: number;
  constructor(retryAfterMs: number) {
    super("The origin failed too often.");
    this.retryAfterMs = retryAfterMs;
  }
}

export class PullReader {
  rendition: Rendition;
  readonly #options: PullReaderOptions;
  readonly #stop = new AbortController();
  #next: number | undefined;
  #last: ReadPlaylist | undefined;
  #laterAnswers = 0;

  constructor(options: PullReaderOptions) {
    this.#options = options;
    this.rendition = options.rendition;
    this.#next = options.next;
  }

  get next(): number | undefined {
    return this.#next;
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { events } = this.#options;
    let taking: Promise<void> | undefined;
    try {
      for (;;) {
        const hasNew = await this.#reload();
        const playlist = this.#last as ReadPlaylist;
        await taking;
        // Reload while fetching: on a long round trip there is no time for one after the other.
        if (hasNew) taking = this.#deliver(playlist);
        taking?.catch(() => undefined);
        if (playlist.isEnded) break;
        await this.#waitToReload(playlist, hasNew);
      }
      await taking;
      this.stop();
      events.onEnded();
    } catch (cause) {
      if (this.#stop.signal.aborted) return;
      this.stop();
      events.onFailed(cause instanceof GivenUp ? cause.retryAfterMs : 0);
      if (!(cause instanceof GivenUp)) throw cause;
    }
  }

  /** Whether the playlist is new. A cache may return an older one, which is ignored. */
  async #reload(): Promise<boolean> {
    const { events } = this.#options;
    for (let tries = 0; ; tries++) {
      const url = this.#playlistUrl();
      const isWaiting = url.includes("?");
      const answer = await this.#request(
        url,
        MAX_PLAYLIST_BYTES,
        isWaiting ? PULL_TIMES.reloadDeadlineMs : PULL_TIMES.fetchDeadlineMs,
      );
      const playlist = answer.kind === "got" ? playlistIn(answer.bytes) : undefined;
      if (playlist === undefined) {
        await this.#waitToRetry(answer, tries);
        continue;
      }
      this.#laterAnswers = 0;
      const { to = -1, isEnded = false } = this.#last ?? {};
      if (playlist.to < to || (playlist.to === to && playlist.isEnded === isEnded)) return false;
      this.#last = playlist;
      events.onPlaylist(playlist);
      return true;
    }
  }

  #playlistUrl(): string {
    const url = new URL(`${this.rendition}/index.m3u8`, this.#options.hlsUrl);
    if (this.#last?.canBlock) {
      url.searchParams.set("_HLS_msn", String(this.#last.nextNumber));
      url.searchParams.set("_HLS_part", String(this.#last.nextPart));
    }
    return url.href;
  }

  async #deliver(playlist: ReadPlaylist): Promise<void> {
    const { events } = this.#options;
    const { rendition } = this;
    const hasParts = playlist.canBlock && playlist.segments.some(({ parts }) => parts.length > 0);
    const { objects, skipped } = planFetches(playlist, this.#next, hasParts ? ENTER_SLOTS.parts : ENTER_SLOTS.segments);
    if (this.#next === undefined) return this.#deliverFirst(objects, rendition);
    if (skipped) events.onSkipped(skipped);
    const flights: Promise<readonly SlotPackets[] | undefined>[] = [];
    for (const [index, object] of objects.entries()) {
      for (const ahead of objects.slice(flights.length, index + MAX_IN_FLIGHT)) {
        const flight = this.#fetch(ahead, rendition);
        flight.catch(() => undefined);
        flights.push(flight);
      }
      const slots = await flights[index];
      this.#stop.signal.throwIfAborted();
      const next = Math.max(this.#next, skipped?.to ?? 0, object.from);
      this.#next = object.to;
      if (slots)
        events.onSound(
          slots.filter(({ slot }) => slot >= next),
          rendition,
        );
      else events.onSkipped({ from: next, to: object.to });
    }
  }

  /** Delivers in one call, because the player chooses by its length where to enter. */
  async #deliverFirst(objects: readonly ListedObject[], rendition: Rendition): Promise<void> {
    const flights = await Promise.all(objects.map((object) => this.#fetch(object, rendition)));
    this.#stop.signal.throwIfAborted();
    const slots = flights.slice(flights.lastIndexOf(undefined) + 1).flatMap((flight) => flight ?? []);
    this.#next = objects.at(-1)?.to;
    if (slots.length > 0) this.#options.events.onSound(slots, rendition);
  }

  /** `undefined`: the origin lacks the object, or its content contradicts the playlist. */
  async #fetch(object: ListedObject, rendition: Rendition): Promise<readonly SlotPackets[] | undefined> {
    const url = addressOf(object.uri, new URL(`${rendition}/index.m3u8`, this.#options.hlsUrl));
    for (let tries = 0; ; tries++) {
      const answer: GetOutcome = url
        ? await this.#request(url, MAX_OBJECT_BYTES, PULL_TIMES.fetchDeadlineMs)
        : { kind: "gone" };
      const slots = answer.kind === "got" ? slotsOf(answer.bytes, object) : undefined;
      if (slots) {
        this.#laterAnswers = 0;
        return slots;
      }
      const isOther = answer.kind === "gone" || answer.kind === "got";
      if (isOther && tries + 1 >= PULL_RETRY.tries) return undefined;
      await this.#waitToRetry(answer, tries);
    }
  }

  async #request(url: string, maxBytes: number, deadlineMs: number): Promise<GetOutcome> {
    const { get, clock } = this.#options;
    const { signal } = this.#stop;
    const answer = await getOnce(get, clock, { url, maxBytes, deadlineMs }, signal);
    signal.throwIfAborted();
    return answer;
  }

  async #waitToRetry(answer: GetOutcome, tries: number): Promise<void> {
    const { random, events } = this.#options;
    if (answer.kind !== "later") {
      const delayMs = retryDelayMs(PULL_RETRY, tries, random);
      if (delayMs === undefined) throw new GivenUp(0);
      return this.#sleep(delayMs);
    }
    if (this.#last === undefined) {
      events.onNotStarted();
      return this.#sleep(Math.max(PULL_TIMES.notStartedMs, answer.afterMs) * (1 + random()));
    }
    this.#laterAnswers += 1;
    if (this.#laterAnswers >= MAX_LATER_ANSWERS) throw new GivenUp(answer.afterMs);
    await this.#sleep(answer.afterMs + random() * PULL_TIMES.staleMs);
  }

  /** A blocking reload waits at the origin. Otherwise reload once per segment, twice without news. */
  async #waitToReload({ canBlock, targetDurationMs }: ReadPlaylist, hasNew: boolean): Promise<void> {
    const spread = 1 + this.#options.random() / 2;
    if (canBlock) await this.#sleep(hasNew ? PULL_TIMES.minReloadMs : PULL_TIMES.staleMs * spread);
    else await this.#sleep((hasNew ? targetDurationMs : targetDurationMs / 2) * (0.75 + this.#options.random() / 4));
  }

  #sleep(delayMs: number): Promise<void> {
    return sleep(this.#options.clock, delayMs, this.#stop.signal);
  }
}

function playlistIn(bytes: Uint8Array): ReadPlaylist | undefined {
  try {
    const playlist = readPlaylist(new TextDecoder().decode(bytes));
    return playlist.segments.length > 0 || playlist.isEnded ? playlist : undefined;
  } catch (cause) {
    if (cause instanceof BadPlaylist) return undefined;
    throw cause;
  }
}

function slotsOf(bytes: Uint8Array, { from, to }: ListedObject): readonly SlotPackets[] | undefined {
  try {
    const slots = readSlots(bytes);
    return slots.length === to - from && slots.every(({ slot }, i) => slot === from + i) ? slots : undefined;
  } catch (cause) {
    if (cause instanceof BadCmaf) return undefined;
    throw cause;
  }
}

function addressOf(uri: string, base: URL): string | undefined {
  const url = URL.canParse(uri, base.href) ? new URL(uri, base) : undefined;
  return url && /^https?:$/.test(url.protocol) ? url.href : undefined;
}
