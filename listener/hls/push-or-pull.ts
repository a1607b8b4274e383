// Owns which way a session is served: push, or pull where there is no place or no WebSocket. A transport that stands before
// both. SPEC.md §7, U1. Refuses to know HLS, which is loaded when it is needed.

import { type Clock, systemClock } from "@hustings/flow/clock.ts";
import { ERROR_TABLE } from "@hustings/wire/errors.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import { LISTEN_QUERY } from "@hustings/wire/routes.ts";
import type { Link, Transport, TransportEvents } from "../session/transport.ts";
import type { openPull, PullLink } from "./pull.ts";

export type Way = "push" | "pull";

export interface WaysOptions {
  readonly push: Transport;
  readonly loadPull: () => Promise<{ readonly openPull: typeof openPull }>;
  /** The playlist of playlists on the door itself; absolute. */
  readonly hlsUrl: string;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** Called when `way` is another. */
  readonly onWay?: (way: Way) => void;
}

/** After so many tries of which none opened, and none ever did, no WebSocket comes through here. */
export const BLOCKED_TRIES = 3;
/** The first byte of what somebody in the line is sent. */
const NOTICE = 5;

export class Ways {
  way: Way = "push";
  readonly #options: WaysOptions;
  #room: RoomDocument | undefined;
  #hasOpened = false;
  #vainTries = 0;
  /** The last try by pull brought nothing: the next is by push, by turns. */
  #isPushTurn = false;
  #swap: (() => void) | undefined;
  #pull: PullLink | undefined;

  constructor(options: WaysOptions) {
    this.#options = options;
  }

  /** The newest room document. Who waits in the line when it says `pull` leaves it for that. */
  tell(room: RoomDocument): void {
    this.#room = room;
    this.#pull?.tell(room);
    if (room.tier === "pull") this.#swap?.();
  }

  readonly transport: Transport = (url, events) => {
    let inner: Link | undefined;
    let isOpen = true;
    const swap = (): void => {
      if (!isOpen) return;
      this.#swap = undefined;
      inner?.close();
      inner = this.#openPull(url, events);
    };
    inner = this.#wantsPull(url) ? this.#openPull(url, events) : this.#openPush(url, events, swap);
    return {
      send: (text) => inner?.send(text),
      close: (code) => {
        isOpen = false;
        this.#swap = undefined;
        inner?.close(code);
      },
    };
  };

  get #isBlocked(): boolean {
    return !this.#hasOpened && this.#vainTries >= BLOCKED_TRIES;
  }

  #wantsPull(url: string): boolean {
    if (this.#isPushTurn) return false;
    const isNew = !url.includes(`${LISTEN_QUERY.nextSlot}=`);
    return this.#isBlocked || (this.#room?.tier === "pull" && (isNew || this.way === "pull"));
  }

  #openPush(url: string, events: TransportEvents, swap: () => void): Link {
    // Where pull has just brought nothing, the line is better than nothing.
    const maySwap = !this.#isPushTurn;
    this.#isPushTurn = false;
    this.#vainTries += 1;
    let isServed = false;
    this.#setWay("push");
    return this.#options.push(url, {
      opened: () => {
        this.#hasOpened = true;
        events.opened();
      },
      frame: (bytes) => {
        isServed ||= bytes[0] !== NOTICE;
        this.#swap = isServed || !maySwap ? undefined : swap;
        if (this.#swap && this.#room?.tier === "pull") swap();
        else events.frame(bytes);
      },
      text: () => events.text(),
      closed: (code, reason) => {
        this.#swap = undefined;
        const isFull = code === ERROR_TABLE.full.closeCode && !isServed;
        if (isFull && maySwap && this.#room?.tier === "pull") swap();
        else events.closed(code, reason);
      },
    });
  }

  #openPull(url: string, events: TransportEvents): Link {
    const { push, clock = systemClock, random = Math.random, loadPull, hlsUrl } = this.#options;
    let isOpen = true;
    let isServed = false;
    let link: PullLink | undefined;
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
      const why = this.#isBlocked ? "blocked" : "full";
      const onPush = (): void => {
        this.#hasOpened = true;
        this.#setWay("push");
      };
      const served = { ...events, frame, closed, opened: () => events.opened(), text: () => events.text() };
      link = open({ url, why, push, clock, random, hlsUrl: address, room: this.#room, events: served, onPush });
      this.#pull = link;
    };
    this.#setWay("pull");
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

  #setWay(way: Way): void {
    if (way === this.way) return;
    this.way = way;
    this.#options.onWay?.(way);
  }
}
