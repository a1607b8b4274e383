// A fake HLS origin for tests: real playlists and objects made from a fake edge's slots, and faults on command.

import type { Clock } from "@hustings/flow/clock.ts";
import { initSegment } from "@hustings/media/container/cmaf.ts";
import { hlsObject } from "@hustings/media/hls/opus-parts.ts";
import { mediaPlaylist, objectOf } from "@hustings/media/hls/playlist.ts";
import { type HlsLog, type HlsWindow, hlsWindow, isListed, objectAt } from "@hustings/media/hls/segments.ts";
import { LAG_HEADER } from "@hustings/wire/listen/lag-counts.ts";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import { KEPT_SLOTS, SLOTS_PER_SECOND } from "@hustings/wire/units.ts";
import type { HttpGet, HttpResponse } from "../hls/http-get.ts";
import { type FakeEdge, levelsOf } from "./fake-edge.ts";

const CHECK_MS = 100;
const WAIT_MS = 12_000;

export class FakeOrigin {
  readonly requests: string[] = [];
  /** The lag that came with each request; `undefined`: none. */
  readonly lagHeaders: (string | undefined)[] = [];
  /** Half a round trip. */
  transitMs = 10;
  /** Requests never get a response. */
  isSilent = false;
  /** Lists no parts and never blocks. */
  hasSegmentsOnly = false;
  /** Age of a cache's responses. */
  staleMs = 0;
  /** The space has ended and the last slot is here. */
  isEnded = false;
  /** Replaces the response when it returns one. */
  override: (path: string) => HttpResponse | undefined = () => undefined;
  /** Changes a part or segment before it is sent. */
  transform: (object: Uint8Array) => Uint8Array = (object) => object;
  readonly #edge: FakeEdge;
  readonly #clock: Clock;
  #seen: { readonly key: string; readonly window: HlsWindow } | undefined;

  constructor(edge: FakeEdge) {
    this.#edge = edge;
    this.#clock = edge.clock;
  }

  readonly get: HttpGet = async (url, maxBytes, signal, headers) => {
    const { pathname, searchParams } = new URL(url);
    const path = pathname.split("/").slice(-2).join("/");
    this.lagHeaders.push(headers?.[LAG_HEADER]);
    this.requests.push(`${path}${searchParams.size > 0 ? `?${searchParams}` : ""}`);
    await this.#pause(this.transitMs);
    if (this.isSilent) await new Promise<void>(() => undefined);
    const got = this.override(path) ?? (await this.#answer(path, searchParams));
    await this.#pause(this.transitMs);
    signal.throwIfAborted();
    if (got.bytes.length > maxBytes) throw new Error(`The response is longer than ${maxBytes} bytes.`);
    return got;
  };

  async #answer(path: string, query: URLSearchParams): Promise<HttpResponse> {
    const name = path.split("/")[1] ?? "";
    if (name === "init.mp4") return ok(initSegment());
    if (name === "index.m3u8") return this.#playlist(query);
    const object = objectOf(name);
    if (!object) return refused(404);
    const log = this.#log();
    const range = objectAt(log, this.#window(log), object.kind, object.from);
    return typeof range === "string" ? refused(404) : ok(this.transform(hlsObject(log, range, [])));
  }

  async #playlist(query: URLSearchParams): Promise<HttpResponse> {
    const number = query.get("_HLS_msn");
    const part = query.get("_HLS_part");
    for (let waitedMs = 0; number !== null && !this.hasSegmentsOnly; waitedMs += CHECK_MS) {
      if (isListed(this.#window(this.#log()), Number(number), part === null ? undefined : Number(part)) === true) break;
      if (waitedMs >= WAIT_MS) return refused(503, 1_000);
      await this.#pause(CHECK_MS);
    }
    const log = this.#log();
    const window = this.#window(log);
    if (window.segments.length === 0) return refused(503, 1_000);
    return ok(new TextEncoder().encode(mediaPlaylist({ window, marks: log.marks, isPlain: this.hasSegmentsOnly })));
  }

  #log(): HlsLog {
    const { state } = this.#edge;
    const headSlot = this.#edge.head - Math.round((this.staleMs / 1_000) * SLOTS_PER_SECOND);
    const oldestSlot = Math.max(headSlot - KEPT_SLOTS, state.liveSlot ?? 0);
    const isIn = (slot: number): boolean => slot <= headSlot && slot >= oldestSlot;
    return {
      marks: state,
      headSlot,
      oldestSlot,
      isOver: this.isEnded,
      fragment: (slot) =>
        isIn(slot) ? encodeFragment({ slot, levels: levelsOf(slot), packets: packetsOf(slot) }) : undefined,
    };
  }

  #window(log: HlsLog): HlsWindow {
    const key = `${log.headSlot} ${this.#edge.state.seq} ${this.isEnded}`;
    if (this.#seen?.key !== key) this.#seen = { key, window: hlsWindow(log) };
    return this.#seen.window;
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(delayMs, resolve));
  }
}

export function ok(bytes: Uint8Array): HttpResponse {
  return { status: 200, bytes, retryAfterMs: undefined };
}

export function refused(status: number, retryAfterMs?: number): HttpResponse {
  return { status, bytes: new Uint8Array(0), retryAfterMs };
}

function packetsOf(slot: number): readonly Uint8Array[] {
  return Array.from({ length: 10 }, (_, i) => Uint8Array.of(0xf8, slot & 255, i));
}
