// Owns HLS at the door: which answer a path below /hls/ gets, and how many pull. Objects are functions of the log, so every
// edge gives the same bytes. Refuses to decode sound.

import type { IncomingMessage } from "node:http";
import { type Clock, repeat, type Timer } from "@hustings/flow/clock.ts";
import { initSegment } from "@hustings/media/container/cmaf.ts";
import type { HoldLoop } from "@hustings/media/hls/opus-parts.ts";
import { AAC_VARIANT, INIT_NAME, multivariantPlaylist, OPUS_VARIANTS, objectOf } from "@hustings/media/hls/playlist.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import { createPullCount, type PullCount } from "../../hls/pull-count.ts";
import { createShelf, type Shelf } from "../../hls/rendition-cache.ts";
import { createHlsAnswers, openToAll, PLAYLIST_HEADERS, soundOf } from "../../hls/rendition-responses.ts";
import { type Answer, send, sendAnswer, type Visit } from "../../http/responses.ts";
import type { Following } from "../../replica/followed-space.ts";
import type { Inward } from "./reverse-proxy.ts";

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

/** How often the audience is told of those who pull. */
const TELL_MS = 5_000;

const INIT = Buffer.from(initSegment());

export function createHls({ clock, maxWaiting, loop, addressOf, packager }: HlsOptions): Hls {
  const shelves = new WeakMap<Following, Map<Rendition, Shelf>>();
  const answers = createHlsAnswers(clock, maxWaiting);
  const variants = packager ? [...OPUS_VARIANTS, AAC_VARIANT] : OPUS_VARIANTS;
  const multivariant = multivariantPlaylist(variants);
  const pulling = createPulling(clock);
  const hasAac = packager !== undefined;

  function shelfOf(following: Following, rendition: Rendition): Shelf {
    const own = shelves.get(following) ?? new Map<Rendition, Shelf>();
    shelves.set(following, own);
    const shelf = own.get(rendition) ?? createShelf({ following, rendition, clock, loop, hasAac });
    own.set(rendition, shelf);
    return shelf;
  }

  return {
    async answer(visit, following, path) {
      openToAll(visit);
      if (path === "index.m3u8") {
        return send(visit, 200, multivariant, { ...PLAYLIST_HEADERS, "cache-control": "public, max-age=60" });
      }
      const [folder = "", name = "", ...more] = path.split("/");
      if (name.endsWith(".m3u8")) pulling.saw(following, addressOf(visit.request), visit.request.headers["user-agent"]);
      if (folder === AAC_VARIANT.folder && packager) return packager.pass(visit);
      const rendition = RENDITIONS.find((one) => one === folder);
      if (!rendition || more.length > 0) throw new Refusal("no-object");
      if (name === INIT_NAME) return sendAnswer(visit, soundOf(INIT));
      const shelf = shelfOf(following, rendition);
      return name === "index.m3u8" ? answers.playlist(visit, shelf) : answers.object(visit, shelf, name);
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
      if (answers.waiting === 0) return;
      for (const shelf of shelves.get(following)?.values() ?? []) answers.arrived(shelf);
    },
    get waiting() {
      return answers.waiting;
    },
    [Symbol.dispose]() {
      pulling[Symbol.dispose]();
      answers[Symbol.dispose]();
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
