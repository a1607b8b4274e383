// Turns HLS and the room document into an edge's frames, for session and player. Loaded on demand. SPEC.md §7.

import type { Clock } from "@hustings/flow/clock.ts";
import type { SlotPackets } from "@hustings/media/container/cmaf-reader.ts";
import type { ReadPlaylist } from "@hustings/media/hls/playlist-reader.ts";
import { FASTEST_CADENCE_MS } from "@hustings/wire/listen/cadence.ts";
import {
  type ListenerMessage,
  momentsFrame,
  type Notice,
  noticeFrame,
  snapshotFrame,
  soundFrame,
} from "@hustings/wire/listen/frames.ts";
import { LAG_HEADER } from "@hustings/wire/listen/lag-counts.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import { LISTEN_QUERY } from "@hustings/wire/routes.ts";
import type { SlotRange } from "@hustings/wire/slots.ts";
import { RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import type { Connection, Transport, TransportEvents } from "../session/transport.ts";
import { fetchGet, type HttpGet } from "./http-get.ts";
import { PullMoments } from "./pull-moments.ts";
import { type PullEvents, PullReader } from "./pull-reader.ts";
import { PullSnapshot } from "./pull-snapshot.ts";
import { type PullReason, ReturnToPush } from "./return-to-push.ts";

export interface PullOptions {
  readonly url: string;
  readonly events: TransportEvents;
  readonly reason: PullReason;
  readonly hlsUrl: string;
  readonly room: RoomDocument | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly push: Transport;
  readonly onPush: () => void;
  /** Default: `fetch`. */
  readonly get?: HttpGet;
}

export interface PullConnection extends Connection {
  onRoom(room: RoomDocument): void;
}

/** Reports `closed` when the origin keeps failing; the session then tries again. */
export function openPull(options: PullOptions): PullConnection {
  return new HlsConnection(options);
}

class HlsConnection implements PullConnection, PullEvents {
  readonly #options: PullOptions;
  readonly #snapshot: PullSnapshot;
  readonly #reader: PullReader;
  readonly #moments: PullMoments;
  readonly #returnToPush: ReturnToPush;
  #push: Connection | undefined;
  #heldCadenceMs: number = FASTEST_CADENCE_MS;
  #next: number | undefined;
  #hasSentSnapshot = false;
  #isSnapshotDue = false;
  #isStageAway = false;
  #isClosed = false;
  #lagMs: number | undefined;

  constructor(options: PullOptions) {
    const { url, clock, random, push, reason, hlsUrl, events, room, get = fetchGet } = options;
    const asked = new URLSearchParams(url.split("?")[1]);
    const number = (name: string): number | undefined => (asked.has(name) ? Number(asked.get(name)) : undefined);
    const rendition = RENDITIONS.find((one) => one === asked.get(LISTEN_QUERY.rendition)) ?? RENDITIONS[0];
    this.#options = options;
    this.#next = number(LISTEN_QUERY.nextSlot);
    this.#snapshot = new PullSnapshot(number(LISTEN_QUERY.stateSeq) ?? 0);
    if (room) this.#snapshot.onRoom(room, clock.utcMs());
    const isAtDoor = new URL(url).host === new URL(hlsUrl).host;
    const reading: HttpGet = (address, maxBytes, signal) =>
      get(address, maxBytes, signal, isAtDoor && address.includes(".m3u8") ? this.#lagHeaders() : undefined);
    this.#reader = new PullReader({ clock, random, get: reading, hlsUrl, rendition, next: this.#next, events: this });
    this.#moments = new PullMoments({
      ...{ clock, get, hlsUrl },
      momentSeq: number(LISTEN_QUERY.momentSeq) ?? 0,
      onMoments: (moments) => events.frame(momentsFrame(moments)),
    });
    this.#returnToPush = new ReturnToPush({
      ...{ url, reason, clock, random, push },
      next: () => this.#next,
      momentSeq: () => this.#moments.momentSeq,
      heldCadenceMs: () => this.#heldCadenceMs,
      onSlowerCadence: (cadenceMs) => this.#sendNotice({ kind: "target", cadenceMs }),
      onTakeOver: (frames, link) => this.#takeOver(frames, link),
      onFrame: (bytes) => events.frame(bytes),
      onClosed: (code, reason) => this.#end(code, reason),
    });
    queueMicrotask(() => !this.#isClosed && this.#begin());
  }

  onRoom(room: RoomDocument): void {
    const { clock } = this.#options;
    if (this.#push || this.#isClosed) return;
    if (this.#snapshot.onRoom(room, clock.utcMs()) && this.#hasSentSnapshot) this.#sendSnapshot();
    else if (this.#hasSentSnapshot) this.#sendNotice({ kind: "audience", audience: room.audience });
    if (room.stale !== this.#isStageAway && this.#hasSentSnapshot) {
      this.#isStageAway = room.stale;
      this.#sendNotice({ kind: "upstream", away: room.stale });
    }
    this.#returnToPush.onRoom(room);
  }

  /** Answers a ping with `audience`, because the origin's clock is not known. */
  send(text: string): void {
    if (this.#push) {
      this.#push.send(text);
      return;
    }
    const message = JSON.parse(text) as ListenerMessage;
    if (message.kind === "rendition") this.#reader.rendition = message.rendition;
    if (message.kind === "ready") {
      this.#heldCadenceMs = this.#snapshot.cadenceMs = message.cadenceMs;
      this.#sendNotice({ kind: "cadence", cadenceMs: message.cadenceMs });
    }
    if (message.kind !== "ping") return;
    this.#lagMs = message.lagMs;
    this.#sendNotice({ kind: "audience", audience: this.#snapshot.room?.audience ?? 0 });
  }

  close(code?: number): void {
    this.#isClosed = true;
    this.#reader.stop();
    this.#moments.stop();
    if (this.#push) this.#push.close(code);
    else this.#returnToPush.close();
  }

  onNotStarted(): void {
    if (!this.#hasSentSnapshot) this.#sendSnapshot();
  }

  onPlaylist(playlist: ReadPlaylist): void {
    const isNews = this.#snapshot.onPlaylist(playlist, this.#options.clock.utcMs());
    this.#heldCadenceMs = Math.max(this.#heldCadenceMs, this.#snapshot.cadenceMs);
    if (isNews) this.#isSnapshotDue = true;
  }

  onSound(slots: readonly SlotPackets[], rendition: Rendition): void {
    const [first] = slots;
    if (!first) return;
    this.#next ??= first.slot;
    this.#sendSnapshotIfDue(rendition);
    const fragments = slots.map(encodeFragment);
    this.#next = (slots.at(-1)?.slot ?? first.slot) + 1;
    this.#options.events.frame(soundFrame(rendition, fragments));
    this.#moments.onDelivered(first.slot, this.#next);
    this.#returnToPush.onDelivered();
  }

  onSkipped({ from, to }: SlotRange): void {
    this.#next ??= from;
    this.#sendSnapshotIfDue(this.#reader.rendition);
    this.#next = to;
    this.#sendNotice({ kind: "skipped", from, to });
  }

  onEnded(): void {
    this.#snapshot.onEnded();
    this.#sendSnapshot();
  }

  onFailed(retryAfterMs: number): void {
    this.#end(1006, retryAfterMs > 0 ? `retry-after-ms=${Math.ceil(retryAfterMs)}` : "");
  }

  /** A CDN is not asked with a header of our own: it would have to allow it. */
  #lagHeaders(): Readonly<Record<string, string>> {
    return this.#lagMs === undefined ? {} : { [LAG_HEADER]: String(this.#lagMs) };
  }

  #begin(): void {
    this.#options.events.opened();
    this.#reader.start();
  }

  #sendSnapshotIfDue(rendition: Rendition): void {
    if (this.#isSnapshotDue || !this.#hasSentSnapshot) this.#sendSnapshot(rendition);
  }

  #sendSnapshot(rendition: Rendition = this.#reader.rendition): void {
    this.#hasSentSnapshot = true;
    this.#isSnapshotDue = false;
    this.#options.events.frame(snapshotFrame(this.#snapshot.build(this.#next, rendition, this.#options.clock.utcMs())));
  }

  /** Later, because the session must not be called from its own call. */
  #sendNotice(notice: Notice): void {
    queueMicrotask(() => {
      if (!this.#isClosed && !this.#push) this.#options.events.frame(noticeFrame(notice));
    });
  }

  #takeOver(frames: readonly Uint8Array[], link: Connection): void {
    const { events, onPush } = this.#options;
    this.#push = link;
    this.#reader.stop();
    this.#moments.stop();
    onPush();
    for (const frame of frames) if (!this.#isClosed) events.frame(frame);
  }

  #end(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#reader.stop();
    this.#moments.stop();
    this.#returnToPush.close();
    this.#options.events.closed(code, reason);
  }
}
