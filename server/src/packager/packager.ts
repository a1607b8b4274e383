// Owns AAC on demand: follows a space while its AAC is asked for, and answers the edges' requests for it over a Unix
// socket. Refuses to be asked by anyone else, and to do anything before it is asked.

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
import { type AacShelf, createAacShelf } from "./aac-cache.ts";
import type { AacEncoder } from "./encoder.ts";

export interface PackagerOptions {
  readonly clock: Clock;
  readonly upstream: Upstream;
  readonly encoder: AacEncoder;
  /** The bytes of the hold music's file; absent: silence in its place. */
  readonly holdFile: Uint8Array | undefined;
  readonly socketPath: string;
  readonly version: string;
  readonly log: Logger;
  readonly random: () => number;
  /** MAX_WAITING where absent. */
  readonly maxWaiting?: number;
}

/** Spaces followed at once; one more is refused with `full`. */
const MAX_SPACES = 20;
/** Requests that wait for sound, of all edges; one more is refused with `full`. */
const MAX_WAITING = 8_192;
/** Edges that ask at once for all who do. */
const BACKLOG = 4_096;
const AAC_PATH = new RegExp(`^/hls/([^/]+)/${AAC_VARIANT.folder}/([^/]+)$`);
const INIT = Buffer.from(aacInitSegment());

/** Resolves when it listens. */
export async function startPackager(options: PackagerOptions): Promise<AsyncDisposable> {
  const { clock, upstream, random, log, socketPath, version } = options;
  await using starting = new AsyncDisposableStack();
  const limits = { ...FOLLOW_LIMITS, followedSpaces: MAX_SPACES };
  const answers = starting.use(createRenditionResponses(clock, options.maxWaiting ?? MAX_WAITING));
  const shelves = createShelves(options);
  const onSound = (following: FollowedSpace): void => {
    const shelf = shelves.known(following);
    if (shelf) answers.soundArrived(shelf);
  };
  const followings = starting.use(createFollowedSpaces({ upstream, clock, random, limits, log, onSound }));

  async function answer(visit: HttpExchange): Promise<void> {
    const { pathname } = visit.url;
    if (pathname === "/internal/health") {
      const { waiting } = answers;
      return sendJson(visit, 200, { role: "packager", pid: process.pid, version, spaces: followings.size, waiting });
    }
    const [, space = "", name = ""] = AAC_PATH.exec(pathname) ?? [];
    allowAnyOrigin(visit);
    if (!isSpaceId(space)) throw new Refusal("no-object");
    if (visit.request.method !== "GET" && visit.request.method !== "HEAD") throw new Refusal("not-allowed");
    const shelf = shelves.of(await followings.follow(space));
    if (name === INIT_NAME) return sendPrepared(visit, soundResponse(INIT));
    if (name === "index.m3u8") return answers.playlist(visit, shelf);
    if (name === "plain.m3u8") return sendPlaylist(visit, shelf.plainPlaylist());
    await answers.object(visit, shelf, name);
  }

  const server = createServer((request, response) => {
    const visit = { request, response, url: new URL(request.url ?? "/", "http://packager") };
    answer(visit).catch((cause: unknown) => {
      if (!(cause instanceof Refusal) || cause.code === "internal") log.warn({ cause }, "AAC could not be made");
      sendRefusal(visit, cause);
    });
  });
  await listen(server, socketPath);
  starting.defer(() => close(server));
  return starting.move();
}

function createShelves({ clock, encoder, holdFile }: PackagerOptions) {
  const shelves = new WeakMap<FollowedSpace, AacShelf>();
  const loop: HoldLoop = holdFile === undefined ? [] : readPackets(holdFile);
  let opus: Promise<Opus> | undefined;

  return {
    known: (following: FollowedSpace): AacShelf | undefined => shelves.get(following),
    of(following: FollowedSpace): AacShelf {
      opus ??= loadOpus();
      const shelf = shelves.get(following) ?? createAacShelf({ following, clock, encoder, loop, opus });
      shelves.set(following, shelf);
      return shelf;
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
