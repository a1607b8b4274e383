// Owns AAC on demand: follows a space while its AAC is asked for, and answers the edges' requests for it over a Unix
// socket. Refuses to be asked by anyone else, and to do anything before it is asked.

import { createServer, type Server } from "node:http";
import type { Clock } from "@hustings/flow/clock.ts";
import { aacInitSegment, aacSeconds } from "@hustings/media/aac.ts";
import { packetsIn } from "@hustings/media/cmaf-packets.ts";
import { type HlsLog, hlsWindow } from "@hustings/media/hls.ts";
import { AAC_VARIANT, INIT_NAME, mediaPlaylist, objectOf } from "@hustings/media/hls-playlist.ts";
import type { HoldLoop } from "@hustings/media/hls-sound.ts";
import { loadOpus, type Opus } from "@hustings/media/opus.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { isSpaceId } from "@hustings/wire/ids.ts";
import { type Headers, send, sendJson, sendRefusal, type Visit } from "../edge/answers.ts";
import type { Following } from "../edge/following.ts";
import { createFollowings } from "../edge/followings.ts";
import { hlsLogOf } from "../edge/hls-shelf.ts";
import { EDGE_LIMITS } from "../edge/limits.ts";
import type { EdgeLog } from "../edge/log.ts";
import type { Upstream } from "../edge/upstream.ts";
import type { AacEncoder } from "./encoder.ts";
import { aacSegment, aacWindow } from "./segments.ts";

export interface PackagerOptions {
  readonly clock: Clock;
  readonly upstream: Upstream;
  readonly encoder: AacEncoder;
  /** The bytes of the hold music's file; absent: silence in its place. */
  readonly holdFile: Uint8Array | undefined;
  readonly socketPath: string;
  readonly version: string;
  readonly log: EdgeLog;
  readonly random: () => number;
}

/** Spaces followed at once; one more is refused with `full`. */
const MAX_SPACES = 20;
/** Segments kept for each: all that a playlist can show; the oldest go. */
const MAX_SEGMENTS = 16;
const AAC_PATH = new RegExp(`^/hls/([^/]+)/${AAC_VARIANT.folder}/([^/]+)$`);
const FOREVER = "public, max-age=31536000, immutable";
const INIT = Buffer.from(aacInitSegment());
const SOUND: Headers = {
  "content-type": "audio/mp4",
  "access-control-allow-origin": "*",
  "cache-control": FOREVER,
};
const PLAYLIST: Headers = {
  "content-type": "application/vnd.apple.mpegurl",
  "access-control-allow-origin": "*",
  "cache-control": "public, max-age=1",
};

/** Resolves when it listens. */
export async function startPackager(options: PackagerOptions): Promise<AsyncDisposable> {
  const { clock, upstream, random, log, socketPath, version } = options;
  await using starting = new AsyncDisposableStack();
  const limits = { ...EDGE_LIMITS, followedSpaces: MAX_SPACES };
  const followings = starting.use(createFollowings({ upstream, clock, random, limits, log }));
  const shelf = createAacShelf(options);

  async function answer(visit: Visit): Promise<void> {
    const { pathname } = visit.url;
    if (pathname === "/internal/health") {
      return sendJson(visit, 200, { role: "packager", pid: process.pid, version, spaces: followings.size });
    }
    const [, space = "", name = ""] = AAC_PATH.exec(pathname) ?? [];
    if (!isSpaceId(space)) throw new Refusal("no-object");
    if (visit.request.method !== "GET" && visit.request.method !== "HEAD") throw new Refusal("not-allowed");
    const following = await followings.follow(space);
    if (name === INIT_NAME) return send(visit, 200, INIT, SOUND);
    if (name === "index.m3u8") return send(visit, 200, shelf.playlist(following), PLAYLIST);
    const object = objectOf(name);
    if (object?.kind !== "segment") throw new Refusal("no-object");
    send(visit, 200, await shelf.segment(following, object.from), SOUND);
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

// Makes each segment once for all who ask.
function createAacShelf({ clock, encoder, holdFile }: PackagerOptions) {
  const made = new WeakMap<Following, Map<number, Promise<Buffer | undefined>>>();
  const loop: HoldLoop = holdFile === undefined ? [] : packetsIn(holdFile);
  let opus: Promise<Opus> | undefined;

  const logOf = (following: Following): HlsLog => hlsLogOf(following, "32", clock);

  async function make(following: Following, from: number): Promise<Buffer | undefined> {
    opus ??= loadOpus();
    const log = logOf(following);
    const bytes = await aacSegment(log, hlsWindow(log), from, { opus: await opus, encoder, loop });
    return bytes && Buffer.from(bytes.buffer);
  }

  return {
    playlist(following: Following): string {
      const log = logOf(following);
      const window = aacWindow(log, hlsWindow(log));
      if (window.segments.length === 0) throw new Refusal("not-yet", undefined, { retryAfterMs: 1_000 });
      return mediaPlaylist({ window, marks: log.marks, isPlain: true, secondsOf: aacSeconds });
    },
    async segment(following: Following, from: number): Promise<Buffer> {
      const own = made.get(following) ?? new Map<number, Promise<Buffer | undefined>>();
      made.set(following, own);
      const making = own.get(from) ?? make(following, from);
      own.set(from, making);
      if (own.size > MAX_SEGMENTS) own.delete(own.keys().next().value as number);
      const bytes = await making.catch((cause: unknown) => {
        own.delete(from);
        throw cause;
      });
      if (bytes) return bytes;
      own.delete(from);
      throw new Refusal("no-object");
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
