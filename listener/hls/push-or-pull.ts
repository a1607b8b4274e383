// Serves a session by push, or by pull without a place or WebSocket. Loads HLS code on demand. SPEC.md §7, U1.

import { type Clock, systemClock } from "@hustings/flow/clock.ts";
import { ERROR_TABLE } from "@hustings/wire/errors.ts";
import { FRAME_KIND } from "@hustings/wire/listen/frames.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import { LISTEN_QUERY } from "@hustings/wire/routes.ts";
import { errorOfCloseCode } from "../session/close-policy.ts";
import type { Connection, Transport, TransportEvents } from "../session/transport.ts";
import type { openPull, PullConnection } from "./pull.ts";

export type Delivery = "push" | "pull";

export interface PushOrPullOptions {
  readonly push: Transport;
  readonly loadPull: () => Promise<{ readonly openPull: typeof openPull }>;
  /** Absolute; the multivariant playlist on the door. */
  readonly hlsUrl: string;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly onDelivery?: (delivery: Delivery) => void;
}

/** After this many tries in a row without a frame, the network counts as blocking WebSockets or their frames. */
export const BLOCKED_TRIES = 3;

export class PushOrPull {
  delivery: Delivery = "push";
  readonly #options: PushOrPullOptions;
  #room: RoomDocument | undefined;
  #emptyTries = 0;
  /** A frame came before, so the server may only be away: pull then needs a room document as a sign of life. */
  #hasBeenServed = false;
  #hasRoomSinceFrame = false;
  /** Pull failed last, so push is next. */
  #isPushTurn = false;
  #switchToPull: (() => void) | undefined;
  #pull: PullConnection | undefined;

  constructor(options: PushOrPullOptions) {
    this.#options = options;
  }

  /** A `pull` document moves a queued listener to pull. */
  onRoom(room: RoomDocument): void {
    this.#room = room;
    this.#hasRoomSinceFrame ||= this.#emptyTries > 0;
    this.#pull?.onRoom(room);
    if (room.tier === "pull") this.#switchToPull?.();
  }

  readonly transport: Transport = (url, events) => {
    let inner: Connection | undefined;
    let isOpen = true;
    const swap = (): void => {
      if (!isOpen) return;
      this.#switchToPull = undefined;
      inner?.close();
      inner = this.#openPull(url, events);
    };
    inner = this.#wantsPull(url) ? this.#openPull(url, events) : this.#openPush(url, events, swap);
    return {
      send: (text) => inner?.send(text),
      close: (code) => {
        isOpen = false;
        this.#switchToPull = undefined;
        inner?.close(code);
      },
    };
  };

  get #isBlocked(): boolean {
    return this.#emptyTries >= BLOCKED_TRIES && (this.#hasRoomSinceFrame || !this.#hasBeenServed);
  }

  #wantsPull(url: string): boolean {
    if (this.#isPushTurn) return false;
    const isNew = !url.includes(`${LISTEN_QUERY.nextSlot}=`);
    return this.#isBlocked || (this.#room?.tier === "pull" && (isNew || this.delivery === "pull"));
  }

  #openPush(url: string, events: TransportEvents, swap: () => void): Connection {
    const maySwap = !this.#isPushTurn;
    this.#isPushTurn = false;
    this.#emptyTries += 1;
    let isServed = false;
    this.#setDelivery("push");
    return this.#options.push(url, {
      opened: () => events.opened(),
      frame: (bytes) => {
        this.#onServed();
        isServed ||= bytes[0] !== FRAME_KIND.notice;
        this.#switchToPull = isServed || !maySwap ? undefined : swap;
        if (this.#switchToPull && this.#room?.tier === "pull") swap();
        else events.frame(bytes);
      },
      text: () => events.text(),
      closed: (code, reason) => {
        this.#switchToPull = undefined;
        // A close code of the protocol came through as a frame does.
        if (errorOfCloseCode(code) !== undefined) this.#onServed();
        const isFull = code === ERROR_TABLE.full.closeCode && !isServed;
        if (isFull && maySwap && this.#room?.tier === "pull") swap();
        else events.closed(code, reason);
      },
    });
  }

  #openPull(url: string, events: TransportEvents): Connection {
    const { push, clock = systemClock, random = Math.random, loadPull, hlsUrl } = this.#options;
    let isOpen = true;
    let isServed = false;
    let link: PullConnection | undefined;
    const closed = (code: number, reason: string): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#isPushTurn = !isServed;
      events.closed(code, reason);
    };
    const frame = (bytes: Uint8Array): void => {
      isServed = true;
      events.frame(bytes);
    };
    const begin = (open: typeof openPull): void => {
      if (!isOpen) return;
      const address = new URL(this.#room?.pull ?? hlsUrl, hlsUrl).href;
      const reason = this.#isBlocked ? "blocked" : "full";
      const onPush = (): void => {
        this.#onServed();
        this.#setDelivery("push");
      };
      const served = { ...events, frame, closed, opened: () => events.opened(), text: () => events.text() };
      link = open({ url, reason, push, clock, random, hlsUrl: address, room: this.#room, events: served, onPush });
      this.#pull = link;
    };
    this.#setDelivery("pull");
    loadPull().then(
      (module) => begin(module.openPull),
      () => closed(1006, ""),
    );
    return {
      send: (text) => link?.send(text),
      close: (code) => {
        isOpen = false;
        link?.close(code);
        if (this.#pull === link) this.#pull = undefined;
      },
    };
  }

  #onServed(): void {
    this.#emptyTries = 0;
    this.#hasBeenServed = true;
    this.#hasRoomSinceFrame = false;
  }

  #setDelivery(delivery: Delivery): void {
    if (delivery === this.delivery) return;
    this.delivery = delivery;
    this.#options.onDelivery?.(delivery);
  }
}
