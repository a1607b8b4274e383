// Answers requests for one rendition: Opus at an edge, AAC at the packager. Decides which requests wait for sound that
// is about to come, and how long caches keep a response.

import { type Clock, repeat, type Timer } from "@hustings/flow/clock.ts";
import { objectOf } from "@hustings/media/hls/playlist.ts";
import { type HlsWindow, isListed, type ObjectKind } from "@hustings/media/hls/segments.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import {
  type Headers,
  type HttpExchange,
  type MaybePromise,
  type PreparedResponse,
  prepareResponse,
  send,
  sendPrepared,
} from "../http/responses.ts";
import { createWaitingRequests } from "./waiting-requests.ts";

export interface HlsRendition {
  window(): HlsWindow;
  /** `undefined`: nothing to play yet. */
  playlist(): Playlist | undefined;
  /** "next": about to come. "none": does not exist. */
  object(kind: ObjectKind, from: number): MaybePromise<Buffer> | "next" | "none";
}

export interface Playlist {
  readonly plain: Buffer;
  readonly gzip: Buffer;
}

export interface RenditionResponses {
  /** Throws a Refusal: `not-yet`, `bad-request`, or `full`; `object` also `no-object`. */
  playlist(exchange: HttpExchange, rendition: HlsRendition): Promise<void>;
  object(exchange: HttpExchange, rendition: HlsRendition, name: string): Promise<void>;
  /** Call after each fragment of `rendition`. */
  soundArrived(rendition: HlsRendition): void;
  readonly waiting: number;
  [Symbol.dispose](): void;
}

/** Three target durations, after which RFC 8216bis §6.2.5.2 has a server give up. */
export const WAIT_MS = 12_000;
/** The end of a space and gaps arrive without sound. */
const LOOK_AGAIN_MS = 500;

const FOREVER = "public, max-age=31536000, immutable";
const PLAYLIST_CACHE = "public, max-age=1";
/** A segment's length; a blocking request's response stays valid for its URL. */
const WAITED_CACHE = "public, max-age=4";

export const PLAYLIST_HEADERS: Headers = {
  "content-type": "application/vnd.apple.mpegurl",
  vary: "accept-encoding",
};
/** Also on refusals, so that a page of another origin can read how long to wait. */
export const OPEN_HEADERS: Headers = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "retry-after",
};

/** At most `maxWaiting` requests wait at once; further ones are refused with `full`. */
export function createRenditionResponses(clock: Clock, maxWaiting: number): RenditionResponses {
  const waitingRequests = createWaitingRequests(clock, maxWaiting, WAIT_MS);
  let ticker: Timer | undefined;

  async function wait(
    { response }: HttpExchange,
    rendition: HlsRendition,
    key: string,
    isDone: () => boolean,
  ): Promise<void> {
    if (isDone()) return;
    ticker ??= repeat(clock, LOOK_AGAIN_MS, () => {
      waitingRequests.recheck();
      if (waitingRequests.size > 0) return;
      ticker?.cancel();
      ticker = undefined;
    });
    await waitingRequests.waitUntil(response, rendition, key, isDone);
  }

  return {
    async playlist(exchange, rendition) {
      const reload = blockingReloadOf(exchange.url.searchParams);
      if (reload) {
        const { number, part } = reload;
        const listed = () => isListed(rendition.window(), number, part);
        if (listed() === "never")
          throw new Refusal("bad-request", `Segment ${number} is too far ahead to be waited for.`);
        await wait(exchange, rendition, `${number} ${part ?? ""}`, () => listed() === true);
      }
      sendPlaylist(exchange, rendition.playlist(), reload ? WAITED_CACHE : PLAYLIST_CACHE);
    },
    async object(exchange, rendition, name) {
      const object = objectOf(name);
      if (!object) throw new Refusal("no-object");
      const { kind, from } = object;
      await wait(exchange, rendition, name, () => rendition.object(kind, from) !== "next");
      const bytes = rendition.object(kind, from);
      if (typeof bytes === "string") throw new Refusal("no-object");
      sendPrepared(exchange, soundResponse(await bytes));
    },
    soundArrived(rendition) {
      if (waitingRequests.size > 0) waitingRequests.recheck(rendition);
    },
    get waiting() {
      return waitingRequests.size;
    },
    [Symbol.dispose]() {
      ticker?.cancel();
      waitingRequests[Symbol.dispose]();
    },
  };
}

/** Throws `not-yet` if there is no playlist. */
export function sendPlaylist(exchange: HttpExchange, playlist: Playlist | undefined, cache = PLAYLIST_CACHE): void {
  if (!playlist) throw notYet();
  const zips = /\bgzip\b/.test(String(exchange.request.headers["accept-encoding"] ?? ""));
  send(exchange, 200, zips ? playlist.gzip : playlist.plain, {
    ...PLAYLIST_HEADERS,
    "cache-control": cache,
    ...(zips ? { "content-encoding": "gzip" } : {}),
  });
}

export function allowAnyOrigin({ response }: HttpExchange): void {
  for (const name in OPEN_HEADERS) response.setHeader(name, OPEN_HEADERS[name] as string);
}

export function soundResponse(bytes: Buffer): PreparedResponse {
  return immutableResponse(bytes, "audio/mp4");
}

export function immutableResponse(bytes: Buffer, contentType: string): PreparedResponse {
  return prepareResponse(200, bytes, { ...OPEN_HEADERS, "content-type": contentType, "cache-control": FOREVER });
}

function notYet(): Refusal {
  return new Refusal("not-yet", undefined, { retryAfterMs: 1_000 });
}

/** The requested position; `undefined` for a plain request. Throws `bad-request`. */
export function blockingReloadOf(
  query: URLSearchParams,
): { readonly number: number; readonly part: number | undefined } | undefined {
  const number = numberIn(query, "_HLS_msn");
  const part = numberIn(query, "_HLS_part");
  if (number !== undefined) return { number, part };
  if (part !== undefined) throw new Refusal("bad-request", "_HLS_part without _HLS_msn says nothing.");
  return undefined;
}

function numberIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,10}$/.test(text)) throw new Refusal("bad-request", `${name} is a number.`);
  return Number(text);
}
