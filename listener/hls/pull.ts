// Owns listening by pull as a connection like any other: HLS and the room document become the frames that an edge would
// send, so that session, buffer and words are those of push. Loaded when it is needed. SPEC.md §7. Refuses to know players.

import type { Clock } from "@hustings/flow/clock.ts";
import type { SlotPackets } from "@hustings/media/container/cmaf-reader.ts";
import type { ReadPlaylist } from "@hustings/media/hls/playlist-reader.ts";
import { FASTEST_CADENCE_MS } from "@hustings/wire/listen/cadence.ts";
import {
  type ListenerMessage,
  type Notice,
  noticeFrame,
  snapshotFrame,
  soundFrame,
} from "@hustings/wire/listen/frames.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import { LISTEN_QUERY } from "@hustings/wire/routes.ts";
import type { SlotRange } from "@hustings/wire/slots.ts";
import { RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import type { Link, Transport, TransportEvents } from "../session/transport.ts";
import { fetchGet, type Get } from "./http-get.ts";
import { PullReader, type PullTaker } from "./pull-reader.ts";
import { PullScene } from "./pull-snapshot.ts";
import { type PullWhy, WayBack } from "./return-to-push.ts";

export interface PullOptions {
  /** What the session asked for, as a Transport gets it. */
  readonly url: string;
  readonly events: TransportEvents;
  readonly why: PullWhy;
  /** Address of the playlist of playlists. */
  readonly hlsUrl: string;
  readonly room: RoomDocument | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  /** By which the way back is tried. */
  readonly push: Transport;
  /** The session is served by push from now on. */
  readonly onPush: () => void;
  /** `fetch` where absent. */
  readonly get?: Get;
}

export interface PullLink extends Link {
  /** The newest room document. */
  tell(room: RoomDocument): void;
}

/** Begins at once. What comes goes to `events`; `closed` where the origin fails for good, and the session tries again. */
export function openPull(options: PullOptions): PullLink {
  return new Pulling(options);
}

class Pulling implements PullLink, PullTaker {
  readonly #options: PullOptions;
  readonly #scene: PullScene;
  readonly #reader: PullReader;
  readonly #back: WayBack;
  #push: Link | undefined;
  #heldCadenceMs: number = FASTEST_CADENCE_MS;
  /** Handed on up to here; `undefined`: nothing, and nothing was asked for. */
  #next: number | undefined;
  #hasSpoken = false;
  /** The next snapshot would say something that none has said. */
  #isNews = false;
  #isAway = false;
  #isClosed = false;

  constructor(options: PullOptions) {
    const { url, clock, random, push, why, hlsUrl, events, room, get = fetchGet } = options;
    const asked = new URLSearchParams(url.split("?")[1]);
    const number = (name: string): number | undefined => (asked.has(name) ? Number(asked.get(name)) : undefined);
    const rendition = RENDITIONS.find((one) => one === asked.get(LISTEN_QUERY.rendition)) ?? RENDITIONS[0];
    this.#options = options;
    this.#next = number(LISTEN_QUERY.nextSlot);
    this.#scene = new PullScene(number(LISTEN_QUERY.stateSeq) ?? 0);
    if (room) this.#scene.tell(room, clock.utcMs());
    this.#reader = new PullReader({ clock, random, get, hlsUrl, rendition, next: this.#next, taker: this });
    this.#back = new WayBack({
      ...{ url, why, clock, random, push },
      next: () => this.#next,
      heldCadenceMs: () => this.#heldCadenceMs,
      onSlower: (cadenceMs) => this.#say({ kind: "target", cadenceMs }),
      onMet: (frames, link) => this.#hand(frames, link),
      onFrame: (bytes) => events.frame(bytes),
      onClosed: (code, reason) => this.#end(code, reason),
    });
    queueMicrotask(() => !this.#isClosed && this.#begin());
  }

  tell(room: RoomDocument): void {
    const { clock } = this.#options;
    if (this.#push || this.#isClosed) return;
    if (this.#scene.tell(room, clock.utcMs()) && this.#hasSpoken) this.#speak();
    else if (this.#hasSpoken) this.#say({ kind: "audience", audience: room.audience });
    if (room.stale !== this.#isAway && this.#hasSpoken) {
      this.#isAway = room.stale;
      this.#say({ kind: "upstream", away: room.stale });
    }
    this.#back.tell(room);
  }

  /** A ping is answered by something that says nothing of any clock: the origin has not been asked. */
  send(text: string): void {
    if (this.#push) {
      this.#push.send(text);
      return;
    }
    const said = JSON.parse(text) as ListenerMessage;
    if (said.kind === "rendition") this.#reader.rendition = said.rendition;
    if (said.kind === "ready") {
      this.#heldCadenceMs = this.#scene.cadenceMs = said.cadenceMs;
      this.#say({ kind: "cadence", cadenceMs: said.cadenceMs });
    }
    if (said.kind === "ping") this.#say({ kind: "audience", audience: this.#scene.room?.audience ?? 0 });
  }

  close(code?: number): void {
    this.#isClosed = true;
    this.#reader.stop();
    if (this.#push) this.#push.close(code);
    else this.#back.close();
  }

  notYet(): void {
    if (!this.#hasSpoken) this.#speak();
  }

  listed(playlist: ReadPlaylist): void {
    const isNews = this.#scene.list(playlist, this.#options.clock.utcMs());
    this.#heldCadenceMs = Math.max(this.#heldCadenceMs, this.#scene.cadenceMs);
    if (isNews) this.#isNews = true;
  }

  sound(slots: readonly SlotPackets[], rendition: Rendition): void {
    const [first] = slots;
    if (!first) return;
    this.#next ??= first.slot;
    this.#speakNews(rendition);
    const fragments = slots.map(encodeFragment);
    this.#next = (slots.at(-1)?.slot ?? first.slot) + 1;
    this.#options.events.frame(soundFrame(rendition, fragments));
    this.#back.reached();
  }

  skipped({ from, to }: SlotRange): void {
    this.#next ??= from;
    this.#speakNews(this.#reader.rendition);
    this.#next = to;
    this.#say({ kind: "skipped", from, to });
  }

  ended(): void {
    this.#scene.end();
    this.#speak();
  }

  failed(retryAfterMs: number): void {
    this.#end(1006, retryAfterMs > 0 ? `retry-after-ms=${Math.ceil(retryAfterMs)}` : "");
  }

  #begin(): void {
    this.#options.events.opened();
    this.#reader.start();
  }

  #speakNews(rendition: Rendition): void {
    if (this.#isNews || !this.#hasSpoken) this.#speak(rendition);
  }

  #speak(rendition: Rendition = this.#reader.rendition): void {
    this.#hasSpoken = true;
    this.#isNews = false;
    this.#options.events.frame(snapshotFrame(this.#scene.snapshot(this.#next, rendition, this.#options.clock.utcMs())));
  }

  /** Never at once: the session does not want to be called from within. */
  #say(notice: Notice): void {
    queueMicrotask(() => {
      if (!this.#isClosed && !this.#push) this.#options.events.frame(noticeFrame(notice));
    });
  }

  #hand(frames: readonly Uint8Array[], link: Link): void {
    const { events, onPush } = this.#options;
    this.#push = link;
    this.#reader.stop();
    onPush();
    for (const frame of frames) if (!this.#isClosed) events.frame(frame);
  }

  #end(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#reader.stop();
    this.#back.close();
    this.#options.events.closed(code, reason);
  }
}
