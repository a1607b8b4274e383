// Routes below /hls/, the same bytes at every edge, and the count of pulling listeners.

import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { type Clock, repeat, type Timer } from "@hustings/flow/clock.ts";
import { initSegment } from "@hustings/media/container/cmaf.ts";
import type { HoldLoop } from "@hustings/media/hls/opus-parts.ts";
import { AAC_VARIANT, INIT_NAME, multivariantPlaylist, OPUS_VARIANTS, objectOf } from "@hustings/media/hls/playlist.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { LAG_HEADER } from "@hustings/wire/listen/lag-counts.ts";
import { MOMENTS_FOLDER } from "@hustings/wire/listen/moments.ts";
import { RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import { createMomentObjects } from "../../hls/moment-objects.ts";
import { createPullCount, type PullCount } from "../../hls/pull-count.ts";
import { createRenditionCache, type RenditionCache } from "../../hls/rendition-cache.ts";
import { createRenditionResponses, PLAYLIST_HEADERS, soundResponse } from "../../hls/rendition-responses.ts";
import { type HttpExchange, type PreparedResponse, send, sendPrepared } from "../../http/responses.ts";
import type { FollowedSpace } from "../../replica/followed-space.ts";
import type { ReverseProxy } from "../inward/reverse-proxy.ts";

export interface HlsRoutes {
  /** `path` below `/hls/SPACE/`. Throws a Refusal: `no-object`, `not-yet`, `bad-request`, `full`. */
  respond(exchange: HttpExchange, followed: FollowedSpace, path: string): Promise<void>;
  /** `undefined` unless the sound is available at once. */
  immediateResponse(followed: FollowedSpace, path: string): PreparedResponse | undefined;
  soundArrived(followed: FollowedSpace): void;
  readonly waiting: number;
  [Symbol.dispose](): void;
}

export interface HlsRoutesOptions {
  readonly clock: Clock;
  /** Further ones are refused with `full`. */
  readonly maxWaiting: number;
  readonly loop: HoldLoop;
  /** Distinguishes pulling listeners. */
  readonly addressOf: (request: IncomingMessage) => string;
  readonly packager?: ReverseProxy;
}

const REPORT_MS = 5_000;

const INIT = Buffer.from(initSegment());

export function createHlsRoutes({ clock, maxWaiting, loop, addressOf, packager }: HlsRoutesOptions): HlsRoutes {
  const caches = new WeakMap<FollowedSpace, Map<Rendition, RenditionCache>>();
  const responses = createRenditionResponses(clock, maxWaiting);
  const variants = packager ? [...OPUS_VARIANTS, AAC_VARIANT] : OPUS_VARIANTS;
  const multivariant = multivariantPlaylist(variants);
  const pullCounts = createPullCounts(clock);
  const moments = createMomentObjects(clock);
  const hasAac = packager !== undefined;

  function cacheOf(followed: FollowedSpace, rendition: Rendition): RenditionCache {
    const own = caches.get(followed) ?? new Map<Rendition, RenditionCache>();
    caches.set(followed, own);
    const cache = own.get(rendition) ?? createRenditionCache({ followed, rendition, clock, loop, hasAac });
    own.set(rendition, cache);
    return cache;
  }

  return {
    async respond(exchange, followed, path) {
      if (path === "index.m3u8") {
        return send(exchange, 200, multivariant, { ...PLAYLIST_HEADERS, "cache-control": "public, max-age=60" });
      }
      const [folder = "", name = "", ...more] = path.split("/");
      if (name.endsWith(".m3u8")) pullCounts.saw(followed, addressOf(exchange.request), exchange.request.headers);
      if (folder === AAC_VARIANT.folder && packager) return packager.pass(exchange);
      if (folder === MOMENTS_FOLDER && more.length === 0)
        return sendPrepared(exchange, moments.response(followed, name));
      const rendition = RENDITIONS.find((one) => one === folder);
      if (!rendition || more.length > 0) throw new Refusal("no-object");
      if (name === INIT_NAME) return sendPrepared(exchange, soundResponse(INIT));
      const shelf = cacheOf(followed, rendition);
      return name === "index.m3u8" ? responses.playlist(exchange, shelf) : responses.object(exchange, shelf, name);
    },
    immediateResponse(followed, path) {
      const [folder, name = "", more] = path.split("/");
      if (folder === MOMENTS_FOLDER && more === undefined) return moments.immediateResponse(followed, name);
      const rendition = RENDITIONS.find((one) => one === folder);
      if (!rendition || more !== undefined) return undefined;
      if (name === INIT_NAME) return soundResponse(INIT);
      const object = objectOf(name);
      const bytes = object && cacheOf(followed, rendition).object(object.kind, object.from);
      return bytes instanceof Buffer ? soundResponse(bytes) : undefined;
    },
    soundArrived(followed) {
      if (responses.waiting === 0) return;
      for (const shelf of caches.get(followed)?.values() ?? []) responses.soundArrived(shelf);
    },
    get waiting() {
      return responses.waiting;
    },
    [Symbol.dispose]() {
      pullCounts[Symbol.dispose]();
      responses[Symbol.dispose]();
    },
  };
}

function createPullCounts(clock: Clock) {
  const counts = new Map<FollowedSpace, PullCount>();
  let ticker: Timer | undefined;

  function report(): void {
    for (const [followed, { estimate, lagCounts }] of counts) {
      followed.setPullListeners(estimate, lagCounts);
      if (estimate === 0) counts.delete(followed);
    }
    if (counts.size > 0) return;
    ticker?.cancel();
    ticker = undefined;
  }

  return {
    saw(followed: FollowedSpace, address: string, headers: IncomingHttpHeaders): void {
      const count = counts.get(followed) ?? createPullCount(clock);
      counts.set(followed, count);
      count.count(address, headers["user-agent"] ?? "", Number(headers[LAG_HEADER] ?? Number.NaN));
      ticker ??= repeat(clock, REPORT_MS, report);
    },
    [Symbol.dispose]: () => ticker?.cancel(),
  };
}
