// Owns the room document while nobody tells the page more: asked for again and again, less often while hidden or
// refused. Refuses to draw.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import { type ErrorCode, Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { takeRoom } from "../boot.ts";
import { requestJson } from "../request-json.ts";

const AGAIN_USUALLY = { afterMs: 4_000, spreadMs: 2_000 };
const SOON_MS = 4_000;
const AGAIN: RetryPolicy = { firstMs: 2_000, capMs: 20_000, tries: Infinity };

export class RoomWatch {
  document = $state.raw<RoomDocument | undefined>();
  problem = $state.raw<ErrorCode | undefined>();
  readonly #id: SpaceId;
  readonly #clock: Clock;
  readonly #onRoom: (room: RoomDocument) => void;
  #timer: Timer | undefined;
  #failures = 0;
  /** How long the door asked to be left alone. */
  #retryAfterMs = 0;
  #isClosed = false;

  /** `onRoom` is given each document as it comes, the page's own first. */
  constructor(id: SpaceId, clock: Clock, onRoom: (room: RoomDocument) => void) {
    this.#id = id;
    this.#clock = clock;
    this.#onRoom = onRoom;
    this.document = takeRoom(id);
    if (this.document) {
      onRoom(this.document);
      this.#later();
    } else void this.refresh();
    document.addEventListener("visibilitychange", this.#seen);
    addEventListener("online", this.#seen);
  }

  /** Asks now; never throws. */
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
    this.#later();
  }

  /** Something has happened to everybody at once: asks within seconds, not all together. */
  soon(): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(Math.random() * SOON_MS, () => void this.refresh());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    document.removeEventListener("visibilitychange", this.#seen);
    removeEventListener("online", this.#seen);
  }

  #seen = (): void => {
    if (document.visibilityState === "visible") void this.refresh();
  };

  #later(): void {
    this.#timer?.cancel();
    const isOver = this.problem === "no-space" || this.document?.phase === "ended";
    if (this.#isClosed || isOver) return;
    const { afterMs, spreadMs } = this.document?.again ?? AGAIN_USUALLY;
    const delayMs =
      this.#failures > 0
        ? retryDelayMs(AGAIN, this.#failures, Math.random, Math.max(1_000, this.#retryAfterMs))
        : afterMs + Math.random() * spreadMs;
    this.#timer = this.#clock.after(delayMs as number, () => {
      if (document.visibilityState === "visible") void this.refresh();
      else this.#later();
    });
  }
}
