// Fills the app's document with a head for clients without scripts, and with its first paint's data.

import type { IncomingHttpHeaders } from "node:http";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import type { ListedSpace, OpenSpaces, RoomDocument, SpaceList } from "@hustings/wire/listen/room-document.ts";
import { crc32c } from "@hustings/wire/log/crc32c.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { type Headers, type MaybePromise, type PreparedResponse, prepareResponse } from "../../http/responses.ts";
import { type HeadFacts, headOf } from "./page-head.ts";
import type { PageOrigin } from "./page-origin.ts";
import { ENGLISH } from "./page-text.ts";
import { ROOM_CACHE } from "./room-response.ts";

export interface Pages {
  /** Without `room` the app asks again. */
  space(
    requestHeaders: IncomingHttpHeaders,
    status: number,
    tag: string,
    room: RoomDocument | undefined,
  ): MaybePromise<PreparedResponse>;
  /** The same array counts as an unchanged list. */
  home(requestHeaders: IncomingHttpHeaders, spaces: readonly ListedSpace[] | undefined): MaybePromise<PreparedResponse>;
  other(requestHeaders: IncomingHttpHeaders, status: number): MaybePromise<PreparedResponse>;
}

const compress = promisify(brotliCompress);
const MAX_COMPRESSED = 64;
/** Origins for which compressed pages are kept; pages for further ones are sent as they are. */
const MAX_ORIGINS = 8;
const MARK_HEAD = "<!--head-->";
const MARK_BOOT = "<!--boot-->";
const MARK_NO_SCRIPT = "<!--no-script-->";

export const BARE_DOCUMENT = `<!doctype html><html lang="en"><head><meta charset="utf-8">${MARK_HEAD}</head><body>
<p>${ENGLISH.notBuilt}</p>${MARK_BOOT}</body></html>`;

export interface PagesOptions {
  /**
   * The app's index.html with `<!--head-->` in its head, `<!--boot-->` in its body and `<!--no-script-->` in a noscript
   * element.
   */
  readonly document: string;
  readonly stagePort: number;
  /** The origin of a CDN from which pages may load sound. */
  readonly pullUrl?: string | undefined;
  readonly openSpaces: OpenSpaces;
  /** Absent: the head has no absolute addresses, so links have no picture. */
  readonly originOf?: PageOrigin;
}

export function createPages(options: PagesOptions): Pages {
  const { document, stagePort, pullUrl, openSpaces, originOf = () => undefined } = options;
  const headers = pageHeaders(stagePort, pullUrl);
  const compressed = new Map<string, PreparedResponse | Promise<PreparedResponse>>();
  const origins = new Set<string | undefined>();
  let listed: readonly ListedSpace[] | undefined;
  let listedTag = "home none";

  function answer(
    requestHeaders: IncomingHttpHeaders,
    status: number,
    key: string,
    parts: (origin: string | undefined) => PageParts,
  ): MaybePromise<PreparedResponse> {
    const origin = originOf(requestHeaders);
    const page = () => fill(document, parts(origin));
    const accepts = /\bbr\b/.test(String(requestHeaders["accept-encoding"] ?? ""));
    if (!accepts || !isCompressedFor(origin)) return prepareResponse(status, page(), headers);
    const whole = `${key} ${origin}`;
    return compressed.get(whole) ?? cacheWhenMade(whole, compressedOf(status, page(), headers));
  }

  /** Made-up Host headers must not make this process compress a page for each. */
  function isCompressedFor(origin: string | undefined): boolean {
    if (origins.size < MAX_ORIGINS) origins.add(origin);
    return origins.has(origin);
  }

  function cacheWhenMade(key: string, making: Promise<PreparedResponse>): Promise<PreparedResponse> {
    compressed.set(key, making);
    if (compressed.size > MAX_COMPRESSED) compressed.delete(compressed.keys().next().value as string);
    const made = (answer: PreparedResponse) => void (compressed.get(key) === making && compressed.set(key, answer));
    making.then(made, () => compressed.delete(key));
    return making;
  }

  function homeTag(spaces: readonly ListedSpace[] | undefined): string {
    if (spaces !== listed) listedTag = spaces ? `home ${JSON.stringify(spaces)}` : "home none";
    listed = spaces;
    return listedTag;
  }

  return {
    space: (requestHeaders, status, tag, room) =>
      answer(
        requestHeaders,
        status,
        `space ${room?.id} ${status} ${tag} ${Math.floor((room?.asOfUtcMs ?? 0) / 1_000)}`,
        (origin) => ({
          head: room ? roomHead(room, origin) : homeHead(origin),
          boot: room ? inlined("room", room) : "",
        }),
      ),
    home: (requestHeaders, spaces) =>
      answer(requestHeaders, 200, homeTag(spaces), (origin) => ({
        head: homeHead(origin),
        boot: spaces ? inlined("spaces", { spaces, openSpaces } satisfies SpaceList) : "",
      })),
    other: (requestHeaders, status) =>
      answer(requestHeaders, status, `other ${status}`, (origin) => ({ head: homeHead(origin), boot: "" })),
  };
}

async function compressedOf(status: number, page: string, headers: Headers): Promise<PreparedResponse> {
  const body = await compress(page, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
  const answer = prepareResponse(status, body, { ...headers, "content-encoding": "br" });
  return { ...answer, body: body.toString("latin1") };
}

interface PageParts {
  readonly head: string;
  readonly boot: string;
}

function fill(document: string, { head, boot }: PageParts): string {
  return document
    .replace(MARK_HEAD, () => head)
    .replace(MARK_BOOT, () => boot)
    .replace(MARK_NO_SCRIPT, ENGLISH.withoutScript);
}

function homeHead(origin: string | undefined): string {
  const { product, homeDescription } = ENGLISH;
  return headOf({ documentTitle: product, title: product, description: homeDescription, origin, path: ROUTES.home });
}

function roomHead(room: RoomDocument, origin: string | undefined): string {
  // Messengers keep a picture for as long as its address stays.
  const version = crc32c(new TextEncoder().encode(`${room.title}\n${room.host}`)).toString(36);
  const facts: HeadFacts = {
    documentTitle: ENGLISH.titleOf(room.title),
    title: room.title,
    description: ENGLISH.spaceDescription(room),
    origin,
    path: ROUTES.page(room.id),
    picture: `${ROUTES.spacePicture(room.id)}?v=${room.phase}-${version}`,
  };
  return headOf(facts);
}

/** Escaped, so that it cannot end the element or begin a comment. */
function inlined(id: string, value: unknown): string {
  const json = JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escapeJson);
  return `<script type="application/json" id="${id}">${json}</script>`;
}

function escapeJson(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function pageHeaders(stagePort: number, pullUrl: string | undefined): Headers {
  const pull = pullUrl === undefined ? "" : ` ${pullUrl}`;
  return {
    "content-type": "text/html; charset=utf-8",
    "cache-control": ROOM_CACHE,
    vary: "accept-encoding",
    "content-security-policy": [
      "default-src 'self'",
      `connect-src 'self' *:${stagePort}${pull}`,
      `media-src 'self' blob: data:${pull}`,
      "img-src 'self' data:",
      "style-src 'self' 'unsafe-inline'",
      "worker-src 'self' blob:",
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ].join("; "),
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
  };
}
