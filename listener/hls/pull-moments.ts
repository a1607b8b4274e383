// Fetches moments beside a pulling listener's sound, which no failure here stops. SPEC.md §7, U13.

import type { Clock } from "@hustings/flow/clock.ts";
import { BadFrame } from "@hustings/wire/listen/frames.ts";
import {
  completeMomentsTo,
  MAX_MOMENT_OBJECT_BYTES,
  MOMENT_OBJECT_SLOTS,
  MOMENTS_FOLDER,
  momentObjectAt,
  momentObjectName,
  NEWCOMER_MOMENTS,
  readMomentObject,
} from "@hustings/wire/listen/moments.ts";
import type { MomentEntry } from "@hustings/wire/log/lanes.ts";
import { KEPT_SLOTS } from "@hustings/wire/units.ts";
import { getOnce, type HttpGet } from "./http-get.ts";

export interface PullMomentsOptions {
  readonly clock: Clock;
  readonly get: HttpGet;
  /** The multivariant playlist; the objects' folder is beside it. */
  readonly hlsUrl: string;
  readonly momentSeq: number;
  readonly onMoments: (moments: readonly MomentEntry[]) => void;
}

const DEADLINE_MS = 8_000;
/** The first objects begin this long before the first sound: 10 s. */
const BACK_SLOTS = 50;
/** Older objects may be gone: an edge keeps a minute, and its sound is up to 12 s ahead. */
const MAX_BACK_SLOTS = KEPT_SLOTS - 100;
const TRIES = 3;
const FAILED_MS = 2_000;
/** Time between tries while no object was ever found: the server may have no moments. */
const NONE_MS = 30_000;

export class PullMoments {
  momentSeq: number;
  readonly #options: PullMomentsOptions;
  readonly #stop = new AbortController();
  /** First slot of the next object; `undefined` before the first sound. */
  #next: number | undefined;
  #turnSlot = 0;
  #isFetching = false;
  #hasFound = false;
  #failures = 0;
  #notBeforeMs = -Infinity;

  constructor(options: PullMomentsOptions) {
    this.#options = options;
    this.momentSeq = options.momentSeq;
  }

  onDelivered(firstSlot: number, nextSlot: number): void {
    this.#next ??= momentObjectAt(firstSlot - BACK_SLOTS);
    this.#turnSlot = nextSlot;
    if (this.#isFetching || this.#options.clock.monotonicMs() < this.#notBeforeMs) return;
    this.#isFetching = true;
    void this.#fetchComplete().finally(() => {
      this.#isFetching = false;
    });
  }

  stop(): void {
    this.#stop.abort();
  }

  async #fetchComplete(): Promise<void> {
    const found: MomentEntry[] = [];
    const isNewcomer = this.momentSeq === 0 && !this.#hasFound;
    let from = Math.max(this.#next ?? 0, momentObjectAt(this.#turnSlot - MAX_BACK_SLOTS));
    for (; from < completeMomentsTo(this.#turnSlot); from += MOMENT_OBJECT_SLOTS) {
      const moments = await this.#fetch(from);
      if (moments === "none") from = completeMomentsTo(this.#turnSlot);
      if (moments === "later" || moments === "none") break;
      found.push(...moments);
    }
    this.#next = from;
    if (!this.#stop.signal.aborted) this.#handOn(isNewcomer ? found.slice(-NEWCOMER_MOMENTS) : found);
  }

  #handOn(found: readonly MomentEntry[]): void {
    const moments: MomentEntry[] = [];
    for (const moment of found) {
      if (moment.seq <= this.momentSeq) continue;
      this.momentSeq = moment.seq;
      moments.push(moment);
    }
    if (moments.length > 0) this.#options.onMoments(moments);
  }

  /** Empty if the object cannot be had. `later`, `none`: fetch nothing before `#notBeforeMs`. */
  async #fetch(from: number): Promise<readonly MomentEntry[] | "later" | "none"> {
    const { get, clock, hlsUrl } = this.#options;
    const url = new URL(`${MOMENTS_FOLDER}/${momentObjectName(from)}`, hlsUrl).href;
    const request = { url, maxBytes: MAX_MOMENT_OBJECT_BYTES, deadlineMs: DEADLINE_MS };
    const answer = await getOnce(get, clock, request, this.#stop.signal);
    const moments = answer.kind === "got" ? momentsIn(answer.bytes, from) : undefined;
    if (moments) {
      this.#hasFound = true;
      this.#failures = 0;
      return moments;
    }
    if (this.#stop.signal.aborted) return "later";
    if (answer.kind === "later") return this.#wait(answer.afterMs);
    if (!this.#hasFound && answer.kind === "gone") {
      this.#wait(NONE_MS);
      return "none";
    }
    this.#failures += 1;
    if (this.#failures < TRIES) return this.#wait(FAILED_MS);
    this.#failures = 0;
    return [];
  }

  #wait(delayMs: number): "later" {
    this.#notBeforeMs = this.#options.clock.monotonicMs() + delayMs;
    return "later";
  }
}

function momentsIn(bytes: Uint8Array, from: number): readonly MomentEntry[] | undefined {
  try {
    return readMomentObject(bytes, from).moments;
  } catch (cause) {
    if (cause instanceof BadFrame) return undefined;
    throw cause;
  }
}
