// Owns the way back from pull to push: when it is tried, and that nothing is missed where the two meet. SPEC.md §7, U9 to
// U11. Refuses to know HLS and players.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import { BadFrame, decodeFrame, type Snapshot } from "@hustings/wire/listen/frames.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import { LISTEN_QUERY } from "@hustings/wire/routes.ts";
import type { Connection, Transport } from "../session/transport.ts";

/** `full`: there was no place, and the room document says when there is. `blocked`: no WebSocket ever opened here. */
export type PullReason = "full" | "blocked";

export interface ReturnOptions {
  /** As the session asked: only its rendition is asked for again. Who comes back takes a newcomer's place. */
  readonly url: string;
  readonly reason: PullReason;
  readonly clock: Clock;
  readonly random: () => number;
  readonly push: Transport;
  /** The slot whose turn it is by pull. */
  readonly next: () => number | undefined;
  /** The slowest cadence that the buffer holds. */
  readonly heldCadenceMs: () => number;
  /** The edge pushes more slowly than the buffer holds. */
  readonly onSlowerCadence: (cadenceMs: number) => void;
  /** There is a place, and what it sends begins where pull has come to: `frames` so far, then as they come. */
  readonly onTakeOver: (frames: readonly Uint8Array[], link: Connection) => void;
  /** After `onMet`. */
  readonly onFrame: (bytes: Uint8Array) => void;
  readonly onClosed: (code: number, reason: string) => void;
}

/** Between tries that were in vain; the first is made within seconds of a document that says that there is room. */
export const RETURN_RETRY: RetryPolicy = { firstMs: 30_000, capMs: 600_000, tries: Infinity };
/** The first frame comes within this, or the try was in vain; and so long the two ways may take to meet. */
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

  /** The newest room document. A place that is gone again before its turn came is not tried. */
  onRoom({ tier, stale, again }: RoomDocument): void {
    const { reason: why, clock, random } = this.#options;
    if (why === "blocked" || this.#hasTakenOver) return;
    if (tier !== "push" || stale) {
      this.#timer?.cancel();
      this.#timer = undefined;
      return;
    }
    if (this.#timer || this.#attempt || clock.monotonicMs() < this.#notBeforeMs) return;
    this.#timer = clock.after(random() * again.afterMs, () => this.#begin());
  }

  /** Slots were handed on by pull. */
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
    const { clock, push } = this.#options;
    this.#timer = undefined;
    const attempt: Attempt = { frames: [], bytes: 0, link: undefined, snapshot: undefined, timer: undefined };
    this.#attempt = attempt;
    attempt.timer = clock.after(SNAPSHOT_DEADLINE_MS, () => this.#giveUp(attempt));
    attempt.link = push(newcomersUrl(this.#options.url), {
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

  /** A place begins with a snapshot; whatever else comes first, the line's notice for one, is none. */
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
    const { clock, random, reason: why } = this.#options;
    if (this.#isClosed) return;
    const delayMs = retryDelayMs(RETURN_RETRY, this.#failedAttempts++, random, RETURN_RETRY.firstMs) ?? 0;
    this.#notBeforeMs = clock.monotonicMs() + delayMs;
    if (why === "blocked") this.#timer = clock.after(delayMs, () => this.#begin());
  }
}

function newcomersUrl(url: string): string {
  const [path = "", query = ""] = url.split("?");
  const rendition = new URLSearchParams(query).get(LISTEN_QUERY.rendition);
  return rendition === null ? path : `${path}?${LISTEN_QUERY.rendition}=${rendition}`;
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
