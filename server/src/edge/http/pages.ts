// Fills the app's document with a head for clients without scripts, and with its first paint's data.

import type { IncomingHttpHeaders } from "node:http";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import type { ListedSpace, OpenSpaces, RoomDocument, SpaceList } from "@hustings/wire/listen/room-document.ts";
import { type Headers, type MaybePromise, type PreparedResponse, prepareResponse } from "../../http/responses.ts";
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
}

export function createPages({ document, stagePort, pullUrl, openSpaces }: PagesOptions): Pages {
  const headers = pageHeaders(stagePort, pullUrl);
  const compressed = new Map<string, PreparedResponse | Promise<PreparedResponse>>();
  let listed: readonly ListedSpace[] | undefined;
  let listedTag = "home none";

  function answer(
    requestHeaders: IncomingHttpHeaders,
    status: number,
    key: string,
    parts: () => PageParts,
  ): MaybePromise<PreparedResponse> {
    const page = () => fill(document, parts());
    const accepts = /\bbr\b/.test(String(requestHeaders["accept-encoding"] ?? ""));
    if (!accepts) return prepareResponse(status, page(), headers);
    return compressed.get(key) ?? cacheWhenMade(key, compressedOf(status, page(), headers));
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
        () => ({
          head: room ? roomHead(room) : HOME_HEAD,
          boot: room ? inlined("room", room) : "",
        }),
      ),
    home: (requestHeaders, spaces) =>
      answer(requestHeaders, 200, homeTag(spaces), () => ({
        head: HOME_HEAD,
        boot: spaces ? inlined("spaces", { spaces, openSpaces } satisfies SpaceList) : "",
      })),
    other: (requestHeaders, status) =>
      answer(requestHeaders, status, `other ${status}`, () => ({ head: HOME_HEAD, boot: "" })),
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

const HOME_HEAD = headOf(ENGLISH.product, ENGLISH.product, ENGLISH.homeDescription);

function roomHead(room: RoomDocument): string {
  return headOf(ENGLISH.titleOf(room.title), room.title, ENGLISH.spaceDescription(room));
}

function headOf(documentTitle: string, title: string, description: string): string {
  const escapedTitle = escapeHtml(title);
  const escapedDescription = escapeHtml(description);
  return [
    `<title>${escapeHtml(documentTitle)}</title>`,
    `<meta name="description" content="${escapedDescription}">`,
    `<meta property="og:title" content="${escapedTitle}">`,
    `<meta property="og:description" content="${escapedDescription}">`,
    '<meta property="og:type" content="website">',
    `<meta property="og:site_name" content="${ENGLISH.product}">`,
    '<meta name="twitter:card" content="summary">',
  ].join("\n");
}

/** Escaped, so that it cannot end the element or begin a comment. */
function inlined(id: string, value: unknown): string {
  const json = JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escapeJson);
  return `<script type="application/json" id="${id}">${json}</script>`;
}

function escapeJson(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
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
