// Owns HLS at the door: which answer a path below /hls/ gets, how long it may be kept, and who waits for sound that is
// about to come. Objects are functions of the log, so every edge gives the same bytes. Refuses to decode sound.

import type { IncomingMessage } from "node:http";
import { type Clock, repeat, type Timer } from "@hustings/flow/clock.ts";
import { initSegment } from "@hustings/media/cmaf.ts";
import { isListed } from "@hustings/media/hls.ts";
import { AAC_VARIANT, INIT_NAME, multivariantPlaylist, OPUS_VARIANTS, objectOf } from "@hustings/media/hls-playlist.ts";
import type { HoldLoop } from "@hustings/media/hls-sound.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import { type Answer, answerOf, type Headers, send, sendAnswer, type Visit } from "./answers.ts";
import type { Following } from "./following.ts";
import { createPullCount, type PullCount } from "./hls-count.ts";
import { createShelf, type Shelf } from "./hls-shelf.ts";
import { createWaits } from "./hls-waits.ts";
import type { Inward } from "./inward.ts";

export interface Hls {
  /**
   * Answers for `path`, what stands behind `/hls/SPACE/`. Throws a Refusal: `no-object`, `not-yet`, `bad-request`, `full`
   * when too many wait.
   */
  answer(visit: Visit, following: Following, path: string): Promise<void>;
  /** What `answer` gives to a GET for sound that is here; `undefined` for all else. */
  atHand(following: Following, path: string): Answer | undefined;
  /** A fragment came. */
  arrived(following: Following): void;
  /** Requests that wait for sound. */
  readonly waiting: number;
  [Symbol.dispose](): void;
}

export interface HlsOptions {
  readonly clock: Clock;
  /** Requests that may wait at once; one more is refused with `full`. */
  readonly maxWaiting: number;
  readonly loop: HoldLoop;
  /** By which those who pull are told apart. */
  readonly addressOf: (request: IncomingMessage) => string;
  /** Makes AAC, where the operator wants it. */
  readonly packager?: Inward;
}

/** Three target durations, after which RFC 8216bis §6.2.5.2 has a server give up. */
export const WAIT_MS = 12_000;
/** The end and gaps come without sound. */
const LOOK_AGAIN_MS = 500;

/** How often the audience is told of those who pull. */
const TELL_MS = 5_000;

const FOREVER = "public, max-age=31536000, immutable";
/** A part's length. */
const PLAYLIST_CACHE = "public, max-age=1";
/** An answer that was waited for is the same for whoever asks the same a little later: a segment's length. */
const WAITED_CACHE = "public, max-age=4";
const INIT = Buffer.from(initSegment());

export function createHls({ clock, maxWaiting, loop, addressOf, packager }: HlsOptions): Hls {
  const shelves = new WeakMap<Following, Map<Rendition, Shelf>>();
  const waits = createWaits(clock, maxWaiting, WAIT_MS);
  const variants = packager ? [...OPUS_VARIANTS, AAC_VARIANT] : OPUS_VARIANTS;
  const multivariant = multivariantPlaylist(variants);
  const pulling = createPulling(clock);
  let ticker: Timer | undefined;

  function shelfOf(following: Following, rendition: Rendition): Shelf {
    const own = shelves.get(following) ?? new Map<Rendition, Shelf>();
    shelves.set(following, own);
    const shelf = own.get(rendition) ?? createShelf({ following, rendition, clock, loop });
    own.set(rendition, shelf);
    return shelf;
  }

  async function wait(visit: Visit, shelf: Shelf, key: string, isDone: () => boolean): Promise<void> {
    if (isDone()) return;
    ticker ??= repeat(clock, LOOK_AGAIN_MS, () => {
      waits.look();
      if (waits.size > 0) return;
      ticker?.cancel();
      ticker = undefined;
    });
    await waits.until(visit.response, shelf, key, isDone);
  }

  async function answerPlaylist(visit: Visit, shelf: Shelf): Promise<void> {
    const asked = askedFor(visit.url.searchParams);
    if (asked) {
      const { number, part } = asked;
      const listed = () => isListed(shelf.window(), number, part);
      if (listed() === "never")
        throw new Refusal("bad-request", `Segment ${number} is too far ahead to be waited for.`);
      await wait(visit, shelf, `${number} ${part ?? ""}`, () => listed() === true);
    }
    const playlist = shelf.playlist();
    if (!playlist) throw notYet();
    const zips = /\bgzip\b/.test(String(visit.request.headers["accept-encoding"] ?? ""));
    send(visit, 200, zips ? playlist.gzip : playlist.plain, {
      ...PLAYLIST_HEADERS,
      "cache-control": asked ? WAITED_CACHE : PLAYLIST_CACHE,
      ...(zips ? { "content-encoding": "gzip" } : {}),
    });
  }

  async function answerObject(visit: Visit, shelf: Shelf, name: string): Promise<void> {
    const object = objectOf(name);
    if (!object) throw new Refusal("no-object");
    await wait(visit, shelf, name, () => shelf.object(object.kind, object.from) !== "next");
    const bytes = shelf.object(object.kind, object.from);
    if (!(bytes instanceof Buffer)) throw new Refusal("no-object");
    sendAnswer(visit, soundOf(bytes));
  }

  return {
    async answer(visit, following, path) {
      // A page on another origin may read a refusal too, and how long it is to wait.
      for (const name in OPEN_HEADERS) visit.response.setHeader(name, OPEN_HEADERS[name] as string);
      if (path === "index.m3u8") {
        return send(visit, 200, multivariant, { ...PLAYLIST_HEADERS, "cache-control": "public, max-age=60" });
      }
      const [folder = "", name = "", ...more] = path.split("/");
      if (name === "index.m3u8") pulling.saw(following, addressOf(visit.request), visit.request.headers["user-agent"]);
      if (folder === AAC_VARIANT.folder && packager) return packager.pass(visit);
      const rendition = RENDITIONS.find((one) => one === folder);
      if (!rendition || more.length > 0) throw new Refusal("no-object");
      if (name === INIT_NAME) return sendAnswer(visit, soundOf(INIT));
      const shelf = shelfOf(following, rendition);
      return name === "index.m3u8" ? answerPlaylist(visit, shelf) : answerObject(visit, shelf, name);
    },
    atHand(following, path) {
      const [folder, name = "", more] = path.split("/");
      const rendition = RENDITIONS.find((one) => one === folder);
      if (!rendition || more !== undefined) return undefined;
      if (name === INIT_NAME) return soundOf(INIT);
      const object = objectOf(name);
      const bytes = object && shelfOf(following, rendition).object(object.kind, object.from);
      return bytes instanceof Buffer ? soundOf(bytes) : undefined;
    },
    arrived(following) {
      if (waits.size === 0) return;
      for (const shelf of shelves.get(following)?.values() ?? []) waits.look(shelf);
    },
    get waiting() {
      return waits.size;
    },
    [Symbol.dispose]() {
      ticker?.cancel();
      pulling[Symbol.dispose]();
      waits[Symbol.dispose]();
    },
  };
}

/** Counts of those spaces that are pulled just now, told to each. */
function createPulling(clock: Clock) {
  const counts = new Map<Following, PullCount>();
  let ticker: Timer | undefined;

  function tell(): void {
    for (const [following, { estimate }] of counts) {
      following.countPull(estimate);
      if (estimate === 0) counts.delete(following);
    }
    if (counts.size > 0) return;
    ticker?.cancel();
    ticker = undefined;
  }

  return {
    saw(following: Following, address: string, agent = ""): void {
      const count = counts.get(following) ?? createPullCount(clock);
      counts.set(following, count);
      count.saw(address, agent);
      ticker ??= repeat(clock, TELL_MS, tell);
    },
    [Symbol.dispose]: () => ticker?.cancel(),
  };
}

const PLAYLIST_HEADERS: Headers = {
  "content-type": "application/vnd.apple.mpegurl",
  vary: "accept-encoding",
};
const OPEN_HEADERS: Headers = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "retry-after",
};

function soundOf(bytes: Buffer): Answer {
  return answerOf(200, bytes, { ...OPEN_HEADERS, "content-type": "audio/mp4", "cache-control": FOREVER });
}

export function notYet(): Refusal {
  return new Refusal("not-yet", undefined, { retryAfterMs: 1_000 });
}

/** What a blocking reload asks for; `undefined` for a plain one. Throws `bad-request`. */
export function askedFor(
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
