// Owns the way back from pull to push: when it is tried, and that nothing is missed where the two meet. SPEC.md §7, U9 to
// U11. Refuses to know HLS and players.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import { BadFrame, decodeFrame, type Snapshot } from "@hustings/wire/listen/frames.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import { LISTEN_QUERY } from "@hustings/wire/routes.ts";
import type { Link, Transport } from "../session/transport.ts";

/** `full`: there was no place, and the room document says when there is. `blocked`: no WebSocket ever opened here. */
export type PullWhy = "full" | "blocked";

export interface WayBackOptions {
  /** As the session asked: only its rendition is asked for again. Who comes back takes a newcomer's place. */
  readonly url: string;
  readonly why: PullWhy;
  readonly clock: Clock;
  readonly random: () => number;
  readonly push: Transport;
  /** The slot whose turn it is by pull. */
  readonly next: () => number | undefined;
  /** The slowest cadence that the buffer holds. */
  readonly heldCadenceMs: () => number;
  /** The edge pushes more slowly than the buffer holds. */
  readonly onSlower: (cadenceMs: number) => void;
  /** There is a place, and what it sends begins where pull has come to: `frames` so far, then as they come. */
  readonly onMet: (frames: readonly Uint8Array[], link: Link) => void;
  /** After `onMet`. */
  readonly onFrame: (bytes: Uint8Array) => void;
  readonly onClosed: (code: number, reason: string) => void;
}

/** Between tries that were in vain; the first is made within seconds of a document that says that there is room. */
export const BACK_AGAIN: RetryPolicy = { firstMs: 30_000, capMs: 600_000, tries: Infinity };
/** The first frame comes within this, or the try was in vain; and so long the two ways may take to meet. */
const FIRST_MS = 10_000;
const MEET_MS = 60_000;
const MAX_WAITING_BYTES = 1024 * 1024;

interface Try {
  readonly frames: Uint8Array[];
  bytes: number;
  link: Link | undefined;
  snapshot: Snapshot | undefined;
  timer: Timer | undefined;
}

export class WayBack {
  readonly #options: WayBackOptions;
  #try: Try | undefined;
  #met = false;
  #isClosed = false;
  #vain = 0;
  #timer: Timer | undefined;
  #notBeforeMs = -Infinity;

  constructor(options: WayBackOptions) {
    this.#options = options;
    if (options.why === "blocked") this.#later();
  }

  /** The newest room document. A place that is gone again before its turn came is not tried. */
  tell({ tier, stale, again }: RoomDocument): void {
    const { why, clock, random } = this.#options;
    if (why === "blocked" || this.#met) return;
    if (tier !== "push" || stale) {
      this.#timer?.cancel();
      this.#timer = undefined;
      return;
    }
    if (this.#timer || this.#try || clock.monotonicMs() < this.#notBeforeMs) return;
    this.#timer = clock.after(random() * again.afterMs, () => this.#begin());
  }

  /** Slots were handed on by pull. */
  reached(): void {
    const { next, onMet } = this.#options;
    const attempt = this.#try;
    if (!attempt?.snapshot || !attempt.link || this.#met) return;
    const { nextSlot } = attempt.snapshot;
    const turn = next();
    if (nextSlot !== null && turn !== undefined && turn < nextSlot) return;
    attempt.timer?.cancel();
    this.#met = true;
    onMet(attempt.frames, attempt.link);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#try?.timer?.cancel();
    this.#try?.link?.close();
    this.#try = undefined;
  }

  #begin(): void {
    const { clock, push } = this.#options;
    this.#timer = undefined;
    const attempt: Try = { frames: [], bytes: 0, link: undefined, snapshot: undefined, timer: undefined };
    this.#try = attempt;
    attempt.timer = clock.after(FIRST_MS, () => this.#inVain(attempt));
    attempt.link = push(newcomersUrl(this.#options.url), {
      opened: () => undefined,
      frame: (bytes) => this.#frame(attempt, bytes),
      text: () => this.#inVain(attempt),
      closed: (code, reason) => this.#closed(attempt, code, reason),
    });
  }

  #frame(attempt: Try, bytes: Uint8Array): void {
    if (attempt !== this.#try) return;
    if (this.#met) {
      this.#options.onFrame(bytes);
      return;
    }
    attempt.frames.push(bytes);
    attempt.bytes += bytes.length;
    if (!attempt.snapshot) this.#greeted(attempt, bytes);
    if (attempt.bytes > MAX_WAITING_BYTES) this.#inVain(attempt);
    this.reached();
  }

  /** A place begins with a snapshot; whatever else comes first, the line's notice for one, is none. */
  #greeted(attempt: Try, bytes: Uint8Array): void {
    const { clock, heldCadenceMs, onSlower } = this.#options;
    const snapshot = snapshotIn(bytes);
    const isSlower = snapshot !== undefined && snapshot.cadenceMs > heldCadenceMs();
    if (isSlower) onSlower(snapshot.cadenceMs);
    if (!snapshot || isSlower) {
      this.#inVain(attempt);
      return;
    }
    attempt.snapshot = snapshot;
    attempt.timer?.cancel();
    attempt.timer = clock.after(MEET_MS, () => this.#inVain(attempt));
  }

  #closed(attempt: Try, code: number, reason: string): void {
    if (attempt !== this.#try) return;
    if (this.#met) this.#options.onClosed(code, reason);
    else this.#inVain(attempt);
  }

  #inVain(attempt: Try): void {
    if (attempt !== this.#try || this.#met) return;
    attempt.timer?.cancel();
    attempt.link?.close();
    this.#try = undefined;
    this.#later();
  }

  #later(): void {
    const { clock, random, why } = this.#options;
    if (this.#isClosed) return;
    const delayMs = retryDelayMs(BACK_AGAIN, this.#vain++, random, BACK_AGAIN.firstMs) ?? 0;
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
