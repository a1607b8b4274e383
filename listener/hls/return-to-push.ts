// Returns a pulling listener to push without a missing slot. SPEC.md §7, U9 to U11.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import { BadFrame, decodeFrame, type Snapshot } from "@hustings/wire/listen/frames.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import { LISTEN_QUERY } from "@hustings/wire/routes.ts";
import type { Connection, Transport } from "../session/transport.ts";

/** Why this listener pulls. `full`: there was no place. `blocked`: no WebSocket brings a frame. */
export type PullReason = "full" | "blocked";

export interface ReturnOptions {
  /** Only its rendition and moments are requested, so that this listener counts as a newcomer. */
  readonly url: string;
  readonly reason: PullReason;
  readonly clock: Clock;
  readonly random: () => number;
  readonly push: Transport;
  readonly next: () => number | undefined;
  readonly momentSeq: () => number;
  /** Slowest cadence that the buffer suffices for. */
  readonly heldCadenceMs: () => number;
  readonly onSlowerCadence: (cadenceMs: number) => void;
  /** Push takes over. `frames` came so far; later ones come by `onFrame`. */
  readonly onTakeOver: (frames: readonly Uint8Array[], link: Connection) => void;
  readonly onFrame: (bytes: Uint8Array) => void;
  readonly onClosed: (code: number, reason: string) => void;
}

/** The first try comes within seconds of a `push` document. */
export const RETURN_RETRY: RetryPolicy = { firstMs: 30_000, capMs: 600_000, tries: Infinity };
const SNAPSHOT_DEADLINE_MS = 10_000;
const TAKE_OVER_DEADLINE_MS = 60_000;
const MAX_WAITING_BYTES = 1024 * 1024;

interface Attempt {
  readonly frames: Uint8Array[];
  bytes: number;
  link: Connection | undefined;
  snapshot: Snapshot | undefined;
  timer: Timer | undefined;
}

export class ReturnToPush {
  readonly #options: ReturnOptions;
  #attempt: Attempt | undefined;
  #hasTakenOver = false;
  #isClosed = false;
  #failedAttempts = 0;
  #timer: Timer | undefined;
  #notBeforeMs = -Infinity;

  constructor(options: ReturnOptions) {
    this.#options = options;
    if (options.reason === "blocked") this.#scheduleNext();
  }

  /** Cancels a scheduled try if there is no place any more. */
  onRoom({ tier, stale, again }: RoomDocument): void {
    const { reason, clock, random } = this.#options;
    if (reason === "blocked" || this.#hasTakenOver) return;
    if (tier !== "push" || stale) {
      this.#timer?.cancel();
      this.#timer = undefined;
      return;
    }
    if (this.#timer || this.#attempt || clock.monotonicMs() < this.#notBeforeMs) return;
    this.#timer = clock.after(random() * again.afterMs, () => this.#begin());
  }

  onDelivered(): void {
    const { next, onTakeOver: onMet } = this.#options;
    const attempt = this.#attempt;
    if (!attempt?.snapshot || !attempt.link || this.#hasTakenOver) return;
    const { nextSlot } = attempt.snapshot;
    const turn = next();
    if (nextSlot !== null && turn !== undefined && turn < nextSlot) return;
    attempt.timer?.cancel();
    this.#hasTakenOver = true;
    onMet(attempt.frames, attempt.link);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#attempt?.timer?.cancel();
    this.#attempt?.link?.close();
    this.#attempt = undefined;
  }

  #begin(): void {
    const { clock, push, url, momentSeq } = this.#options;
    this.#timer = undefined;
    const attempt: Attempt = { frames: [], bytes: 0, link: undefined, snapshot: undefined, timer: undefined };
    this.#attempt = attempt;
    attempt.timer = clock.after(SNAPSHOT_DEADLINE_MS, () => this.#giveUp(attempt));
    attempt.link = push(newcomersUrl(url, momentSeq()), {
      opened: () => undefined,
      frame: (bytes) => this.#frame(attempt, bytes),
      text: () => this.#giveUp(attempt),
      closed: (code, reason) => this.#closed(attempt, code, reason),
    });
  }

  #frame(attempt: Attempt, bytes: Uint8Array): void {
    if (attempt !== this.#attempt) return;
    if (this.#hasTakenOver) {
      this.#options.onFrame(bytes);
      return;
    }
    attempt.frames.push(bytes);
    attempt.bytes += bytes.length;
    if (!attempt.snapshot) this.#onFirstFrame(attempt, bytes);
    if (attempt.bytes > MAX_WAITING_BYTES) this.#giveUp(attempt);
    this.onDelivered();
  }

  /** A snapshot means a place. Any other first frame ends the try. */
  #onFirstFrame(attempt: Attempt, bytes: Uint8Array): void {
    const { clock, heldCadenceMs, onSlowerCadence: onSlower } = this.#options;
    const snapshot = snapshotIn(bytes);
    const isSlower = snapshot !== undefined && snapshot.cadenceMs > heldCadenceMs();
    if (isSlower) onSlower(snapshot.cadenceMs);
    if (!snapshot || isSlower) {
      this.#giveUp(attempt);
      return;
    }
    attempt.snapshot = snapshot;
    attempt.timer?.cancel();
    attempt.timer = clock.after(TAKE_OVER_DEADLINE_MS, () => this.#giveUp(attempt));
  }

  #closed(attempt: Attempt, code: number, reason: string): void {
    if (attempt !== this.#attempt) return;
    if (this.#hasTakenOver) this.#options.onClosed(code, reason);
    else this.#giveUp(attempt);
  }

  #giveUp(attempt: Attempt): void {
    if (attempt !== this.#attempt || this.#hasTakenOver) return;
    attempt.timer?.cancel();
    attempt.link?.close();
    this.#attempt = undefined;
    this.#scheduleNext();
  }

  #scheduleNext(): void {
    const { clock, random, reason } = this.#options;
    if (this.#isClosed) return;
    const delayMs = retryDelayMs(RETURN_RETRY, this.#failedAttempts++, random, RETURN_RETRY.firstMs) ?? 0;
    this.#notBeforeMs = clock.monotonicMs() + delayMs;
    if (reason === "blocked") this.#timer = clock.after(delayMs, () => this.#begin());
  }
}

function newcomersUrl(url: string, momentSeq: number): string {
  const [path = "", query = ""] = url.split("?");
  const rendition = new URLSearchParams(query).get(LISTEN_QUERY.rendition);
  const wanted = new URLSearchParams(rendition === null ? {} : { [LISTEN_QUERY.rendition]: rendition });
  if (momentSeq > 0) wanted.set(LISTEN_QUERY.momentSeq, String(momentSeq));
  return wanted.size === 0 ? path : `${path}?${wanted}`;
}

function snapshotIn(bytes: Uint8Array): Snapshot | undefined {
  try {
    const frame = decodeFrame(bytes);
    return frame?.kind === "snapshot" && frame.snapshot.cadenceMs > 0 ? frame.snapshot : undefined;
  } catch (cause) {
    if (cause instanceof BadFrame) return undefined;
    throw cause;
  }
}
