// Polls the room document at its own interval, while the page is visible, and ever later after failures.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import { type ErrorCode, Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { takeRoom } from "../boot.ts";
import { requestJson } from "../request-json.ts";

const DEFAULT_INTERVAL = { afterMs: 4_000, spreadMs: 2_000 };
const SOON_WITHIN_MS = 4_000;
const RETRY: RetryPolicy = { firstMs: 2_000, capMs: 20_000, tries: Infinity };

export class RoomWatch {
  document = $state.raw<RoomDocument | undefined>();
  /** `undefined`: the last request succeeded. */
  problem = $state.raw<ErrorCode | undefined>();
  readonly #id: SpaceId;
  readonly #clock: Clock;
  readonly #onRoom: (room: RoomDocument) => void;
  #timer: Timer | undefined;
  #failures = 0;
  #retryAfterMs = 0;
  #isClosed = false;

  /** Calls `onRoom` with every document, the one in the page included. */
  constructor(id: SpaceId, clock: Clock, onRoom: (room: RoomDocument) => void) {
    this.#id = id;
    this.#clock = clock;
    this.#onRoom = onRoom;
    this.document = takeRoom(id);
    if (this.document) {
      onRoom(this.document);
      this.#schedule();
    } else void this.refresh();
    document.addEventListener("visibilitychange", this.#onReturn);
    addEventListener("online", this.#onReturn);
  }

  /** Never throws. */
  async refresh(): Promise<void> {
    this.#timer?.cancel();
    try {
      const room = await requestJson<RoomDocument>(ROUTES.room(this.#id));
      this.document = room;
      this.#onRoom(room);
      this.problem = undefined;
      this.#failures = 0;
    } catch (error) {
      this.#retryAfterMs = error instanceof Refusal ? (error.retryAfterMs ?? 0) : 0;
      this.problem = error instanceof Refusal ? error.code : "internal";
      this.#failures += 1;
    }
    this.#schedule();
  }

  /** Requests it within seconds, at random, because all listeners have the same reason at the same time. */
  refreshSoon(): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(Math.random() * SOON_WITHIN_MS, () => void this.refresh());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    document.removeEventListener("visibilitychange", this.#onReturn);
    removeEventListener("online", this.#onReturn);
  }

  #onReturn = (): void => {
    if (document.visibilityState === "visible") void this.refresh();
  };

  #schedule(): void {
    this.#timer?.cancel();
    const isOver = this.problem === "no-space" || this.document?.phase === "ended";
    if (this.#isClosed || isOver) return;
    const { afterMs, spreadMs } = this.document?.again ?? DEFAULT_INTERVAL;
    const delayMs =
      this.#failures > 0
        ? retryDelayMs(RETRY, this.#failures, Math.random, Math.max(1_000, this.#retryAfterMs))
        : afterMs + Math.random() * spreadMs;
    this.#timer = this.#clock.after(delayMs as number, () => {
      if (document.visibilityState === "visible") void this.refresh();
      else this.#schedule();
    });
  }
}
