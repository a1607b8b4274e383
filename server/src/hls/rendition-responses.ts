// Owns how the playlist and the sound of one rendition are answered, Opus by an edge or AAC by the packager: what waits for
// what is about to come, and how long a cache may keep it. Refuses to know how sound is made.

import { type Clock, repeat, type Timer } from "@hustings/flow/clock.ts";
import { objectOf } from "@hustings/media/hls/playlist.ts";
import { type HlsWindow, isListed, type ObjectKind } from "@hustings/media/hls/segments.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { type Answer, answerOf, type Headers, type Soon, send, sendAnswer, type Visit } from "../http/responses.ts";
import { createWaits } from "./waiting-requests.ts";

/** One rendition of one space, as it is whenever it is looked at. */
export interface HlsShelf {
  window(): HlsWindow;
  /** `undefined` while there is nothing to play. */
  playlist(): Playlist | undefined;
  /** The object's bytes; "next" when it is about to come, "none" when there is none. */
  object(kind: ObjectKind, from: number): Soon<Buffer> | "next" | "none";
}

export interface Playlist {
  readonly plain: Buffer;
  readonly gzip: Buffer;
}

export interface HlsAnswers {
  /** Throws a Refusal: `not-yet`, `bad-request`, `full` when too many wait. */
  playlist(visit: Visit, shelf: HlsShelf): Promise<void>;
  /** The part or segment `name`. Throws as `playlist` does, and `no-object`. */
  object(visit: Visit, shelf: HlsShelf, name: string): Promise<void>;
  /** A fragment came to `shelf`. */
  arrived(shelf: HlsShelf): void;
  /** Requests that wait for sound. */
  readonly waiting: number;
  [Symbol.dispose](): void;
}

/** Three target durations, after which RFC 8216bis §6.2.5.2 has a server give up. */
export const WAIT_MS = 12_000;
/** The end and gaps come without sound. */
const LOOK_AGAIN_MS = 500;

const FOREVER = "public, max-age=31536000, immutable";
/** A part's length. */
const PLAYLIST_CACHE = "public, max-age=1";
/** An answer that was waited for is the same for whoever asks the same a little later: a segment's length. */
const WAITED_CACHE = "public, max-age=4";

export const PLAYLIST_HEADERS: Headers = {
  "content-type": "application/vnd.apple.mpegurl",
  vary: "accept-encoding",
};
/** A page on another origin may read a refusal too, and how long it is to wait. */
const OPEN_HEADERS: Headers = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "retry-after",
};

/** At most `maxWaiting` requests wait at once; one more is refused with `full`. */
export function createHlsAnswers(clock: Clock, maxWaiting: number): HlsAnswers {
  const waits = createWaits(clock, maxWaiting, WAIT_MS);
  let ticker: Timer | undefined;

  async function wait({ response }: Visit, shelf: HlsShelf, key: string, isDone: () => boolean): Promise<void> {
    if (isDone()) return;
    ticker ??= repeat(clock, LOOK_AGAIN_MS, () => {
      waits.look();
      if (waits.size > 0) return;
      ticker?.cancel();
      ticker = undefined;
    });
    await waits.until(response, shelf, key, isDone);
  }

  return {
    async playlist(visit, shelf) {
      const asked = askedFor(visit.url.searchParams);
      if (asked) {
        const { number, part } = asked;
        const listed = () => isListed(shelf.window(), number, part);
        if (listed() === "never")
          throw new Refusal("bad-request", `Segment ${number} is too far ahead to be waited for.`);
        await wait(visit, shelf, `${number} ${part ?? ""}`, () => listed() === true);
      }
      sendPlaylist(visit, shelf.playlist(), asked ? WAITED_CACHE : PLAYLIST_CACHE);
    },
    async object(visit, shelf, name) {
      const object = objectOf(name);
      if (!object) throw new Refusal("no-object");
      const { kind, from } = object;
      await wait(visit, shelf, name, () => shelf.object(kind, from) !== "next");
      const bytes = shelf.object(kind, from);
      if (typeof bytes === "string") throw new Refusal("no-object");
      sendAnswer(visit, soundOf(await bytes));
    },
    arrived(shelf) {
      if (waits.size > 0) waits.look(shelf);
    },
    get waiting() {
      return waits.size;
    },
    [Symbol.dispose]() {
      ticker?.cancel();
      waits[Symbol.dispose]();
    },
  };
}

/** Answers with a media playlist; throws `not-yet` when there is none. */
export function sendPlaylist(visit: Visit, playlist: Playlist | undefined, cache = PLAYLIST_CACHE): void {
  if (!playlist) throw notYet();
  const zips = /\bgzip\b/.test(String(visit.request.headers["accept-encoding"] ?? ""));
  send(visit, 200, zips ? playlist.gzip : playlist.plain, {
    ...PLAYLIST_HEADERS,
    "cache-control": cache,
    ...(zips ? { "content-encoding": "gzip" } : {}),
  });
}

/** Pages of any origin may read what is answered to `visit`, a refusal too. */
export function openToAll({ response }: Visit): void {
  for (const name in OPEN_HEADERS) response.setHeader(name, OPEN_HEADERS[name] as string);
}

/** An init segment, part or segment, which never changes. */
export function soundOf(bytes: Buffer): Answer {
  return answerOf(200, bytes, { ...OPEN_HEADERS, "content-type": "audio/mp4", "cache-control": FOREVER });
}

function notYet(): Refusal {
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
