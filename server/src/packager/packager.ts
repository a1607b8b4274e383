// AAC on demand: answers edges over a Unix socket, and follows a space while its AAC is requested.

import { createServer, type Server } from "node:http";
import type { Clock } from "@hustings/flow/clock.ts";
import { loadOpus, type Opus } from "@hustings/media/codec/opus.ts";
import { aacInitSegment } from "@hustings/media/container/aac.ts";
import { readPackets } from "@hustings/media/container/cmaf-reader.ts";
import type { HoldLoop } from "@hustings/media/hls/opus-parts.ts";
import { AAC_VARIANT, INIT_NAME } from "@hustings/media/hls/playlist.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { isSpaceId } from "@hustings/wire/ids.ts";
import { allowAnyOrigin, createRenditionResponses, sendPlaylist, soundResponse } from "../hls/rendition-responses.ts";
import { type HttpExchange, sendJson, sendPrepared, sendRefusal } from "../http/responses.ts";
import type { Logger } from "../ops/logger.ts";
import { FOLLOW_LIMITS } from "../replica/follow-limits.ts";
import type { FollowedSpace } from "../replica/followed-space.ts";
import { createFollowedSpaces } from "../replica/followed-spaces.ts";
import type { Upstream } from "../replica/upstream.ts";
import { type AacCache, createAacCache } from "./aac-cache.ts";
import type { AacEncoder } from "./encoder.ts";

export interface PackagerOptions {
  readonly clock: Clock;
  readonly upstream: Upstream;
  readonly encoder: AacEncoder;
  /** Undefined: silence instead of hold music. */
  readonly holdFile: Uint8Array | undefined;
  readonly socketPath: string;
  readonly version: string;
  readonly log: Logger;
  readonly random: () => number;
  /** Waiting requests; absent: MAX_WAITING. */
  readonly maxWaiting?: number;
}

/** More are refused with `full`. */
const MAX_SPACES = 20;
/** Requests of all edges that wait for sound; more are refused with `full`. */
const MAX_WAITING = 8_192;
const BACKLOG = 4_096;
const AAC_PATH = new RegExp(`^/hls/([^/]+)/${AAC_VARIANT.folder}/([^/]+)$`);
const INIT = Buffer.from(aacInitSegment());

export async function startPackager(options: PackagerOptions): Promise<AsyncDisposable> {
  const { clock, upstream, random, log, socketPath, version } = options;
  await using starting = new AsyncDisposableStack();
  const limits = { ...FOLLOW_LIMITS, followedSpaces: MAX_SPACES };
  const responses = starting.use(createRenditionResponses(clock, options.maxWaiting ?? MAX_WAITING));
  const caches = createCaches(options);
  const onSound = (followed: FollowedSpace): void => {
    const cache = caches.known(followed);
    if (cache) responses.soundArrived(cache);
  };
  const followedSpaces = starting.use(createFollowedSpaces({ upstream, clock, random, limits, log, onSound }));

  async function answer(exchange: HttpExchange): Promise<void> {
    const { pathname } = exchange.url;
    if (pathname === "/internal/health") {
      const { waiting } = responses;
      return sendJson(exchange, 200, {
        role: "packager",
        pid: process.pid,
        version,
        spaces: followedSpaces.size,
        waiting,
      });
    }
    const [, space = "", name = ""] = AAC_PATH.exec(pathname) ?? [];
    allowAnyOrigin(exchange);
    if (!isSpaceId(space)) throw new Refusal("no-object");
    if (exchange.request.method !== "GET" && exchange.request.method !== "HEAD") throw new Refusal("not-allowed");
    const cache = caches.of(await followedSpaces.follow(space));
    if (name === INIT_NAME) return sendPrepared(exchange, soundResponse(INIT));
    if (name === "index.m3u8") return responses.playlist(exchange, cache);
    if (name === "plain.m3u8") return sendPlaylist(exchange, cache.plainPlaylist());
    await responses.object(exchange, cache, name);
  }

  const server = createServer((request, response) => {
    const exchange = { request, response, url: new URL(request.url ?? "/", "http://packager") };
    answer(exchange).catch((cause: unknown) => {
      if (!(cause instanceof Refusal) || cause.code === "internal") log.warn({ cause }, "AAC could not be encoded");
      sendRefusal(exchange, cause);
    });
  });
  await listen(server, socketPath);
  starting.defer(() => close(server));
  return starting.move();
}

function createCaches({ clock, encoder, holdFile }: PackagerOptions) {
  const caches = new WeakMap<FollowedSpace, AacCache>();
  const loop: HoldLoop = holdFile === undefined ? [] : readPackets(holdFile);
  let opus: Promise<Opus> | undefined;

  return {
    known: (followed: FollowedSpace): AacCache | undefined => caches.get(followed),
    of(followed: FollowedSpace): AacCache {
      opus ??= loadOpus();
      const cache = caches.get(followed) ?? createAacCache({ followed, clock, encoder, loop, opus });
      caches.set(followed, cache);
      return cache;
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
