// Routes requests at the public port: answers from memory, and proxies the rest to api and stage.

import type { IncomingHttpHeaders } from "node:http";
import { Refusal } from "@hustings/wire/errors.ts";
import { isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";
import type { ListedSpace, OpenSpaces, SpaceList } from "@hustings/wire/listen/room-document.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { allowAnyOrigin, OPEN_HEADERS } from "../../hls/rendition-responses.ts";
import {
  type HttpExchange,
  type MaybePromise,
  type PreparedResponse,
  prepareJson,
  prepareResponse,
  send,
  sendPrepared,
  sendRefusal,
} from "../../http/responses.ts";
import type { Logger } from "../../ops/logger.ts";
import type { FollowedSpace } from "../../replica/followed-space.ts";
import type { FollowedSpaces } from "../../replica/followed-spaces.ts";
import type { Admission } from "../admission/admission.ts";
import type { ReverseProxy } from "../inward/reverse-proxy.ts";
import type { HlsRoutes } from "./hls-routes.ts";
import type { LiveSpaceList } from "./live-space-list.ts";
import type { Pages } from "./pages.ts";
import type { RequestHead } from "./request-head.ts";
import { edgeRoomDocument, ROOM_CACHE, roomEtag } from "./room-response.ts";
import type { Assets } from "./static-assets.ts";

export interface HttpRoutesOptions {
  readonly followedSpaces: FollowedSpaces;
  readonly spaces: LiveSpaceList;
  readonly assets: Assets;
  readonly pages: Pages;
  readonly api: ReverseProxy;
  readonly stage: ReverseProxy;
  readonly hls: HlsRoutes;
  readonly stagePort: number;
  readonly admission: Admission;
  readonly pullUrl?: string | undefined;
  readonly openSpaces: OpenSpaces;
  readonly log: Logger;
}

const SPACE_PATH = /^\/api\/spaces\/([^/]+)\/room$/;
const HLS_PATH = /^\/hls\/([^/]+)\/(.+)$/;
/** Paths that URL parsing leaves unchanged. */
const PLAIN_PATH = /^(?:\/[\w-][\w.-]*)+\/?$|^\/$/;
/** Also with a slash at the end, as people write it. */
const PAGE_PATH = /^\/s\/([^/]+)\/?$/;
const METHODS = "GET, HEAD, OPTIONS";
/** A page of another origin may ask with any header (Fetch, CORS preflight). */
const PREFLIGHT_HEADERS = {
  "access-control-allow-methods": METHODS,
  "access-control-allow-headers": "*",
  "access-control-max-age": "86400",
};

/** Never rejects. */
export async function respond(exchange: HttpExchange, options: HttpRoutesOptions): Promise<void> {
  try {
    await route(exchange, options);
  } catch (cause) {
    if (!(cause instanceof Refusal)) options.log.warn({ cause, path: exchange.url.pathname }, "request failed");
    sendRefusal(exchange, cause);
  }
}

async function route(exchange: HttpExchange, options: HttpRoutesOptions): Promise<void> {
  const { pathname } = exchange.url;
  const { method, headers } = exchange.request;
  const isRead = method === "GET" || method === "HEAD";
  const isOpen = pathname.startsWith("/hls/") || SPACE_PATH.test(pathname);
  if (isOpen) allowAnyOrigin(exchange);
  const answer = isRead ? ownResponse(pathname, headers, options) : undefined;
  if (answer) return sendPrepared(exchange, await answer);
  if (isOpen && method === "OPTIONS") return send(exchange, 204, "", { allow: METHODS, ...PREFLIGHT_HEADERS });
  if (pathname.startsWith("/api/")) return options.api.pass(exchange);
  if (pathname.startsWith("/stage/")) return options.stage.pass(exchange);
  // Load balancers check a server with `OPTIONS /` or `OPTIONS *`.
  if (method === "OPTIONS") return send(exchange, 204, "", { allow: METHODS });
  if (!isRead) {
    exchange.response.setHeader("allow", METHODS);
    throw new Refusal("not-allowed", `${method} is not one of ${METHODS}.`);
  }
  if (pathname.startsWith("/listen/")) throw new Refusal("bad-request", "Listeners connect with a WebSocket.");
  const hls = HLS_PATH.exec(pathname);
  if (hls)
    return options.hls.respond(exchange, await follow(options.followedSpaces, hls[1] as string), hls[2] as string);
  if (!String(headers.accept ?? "").includes("text/html")) throw new Refusal("no-page");
  sendPrepared(exchange, await options.pages.other(headers, 404));
}

/** `undefined`: leave it to `respond`. Never throws. */
export function immediateResponse(
  { url = "", headers }: RequestHead,
  options: HttpRoutesOptions,
): PreparedResponse | undefined {
  if (!PLAIN_PATH.test(url)) return undefined;
  try {
    const [, space, object] = HLS_PATH.exec(url) ?? [];
    if (space !== undefined && object !== undefined) return soundIfReady(space, object, options);
    const answer = ownResponse(url, headers, options);
    if (!(answer instanceof Promise)) return answer;
    answer.catch(() => undefined);
  } catch {
    // Ignore: `respond` repeats this check and reports the error.
  }
  return undefined;
}

/** Answers from memory; `undefined` for other paths. Rejects with a Refusal. */
function ownResponse(
  path: string,
  requestHeaders: IncomingHttpHeaders,
  options: HttpRoutesOptions,
): MaybePromise<PreparedResponse> | undefined {
  if (path === ROUTES.home) return homeResponse(requestHeaders, options);
  if (path === ROUTES.spaces) return spaceListResponse(options);
  const [, room] = SPACE_PATH.exec(path) ?? [];
  if (room !== undefined) return roomResponse(room, requestHeaders, options);
  const [, page] = PAGE_PATH.exec(path) ?? [];
  if (page !== undefined) return spacePageResponse(page, requestHeaders, options);
  return options.assets.respond(path, requestHeaders);
}

function homeResponse(
  requestHeaders: IncomingHttpHeaders,
  { spaces, pages }: HttpRoutesOptions,
): MaybePromise<PreparedResponse> {
  const live = spaces.current();
  if (live) return pages.home(requestHeaders, live);
  return spaces.live().then(
    (listed) => pages.home(requestHeaders, listed),
    (cause: unknown) => {
      if (cause instanceof Refusal) return pages.home(requestHeaders, undefined);
      throw cause;
    },
  );
}

function spaceListResponse({ spaces, openSpaces }: HttpRoutesOptions): MaybePromise<PreparedResponse> {
  const answer = (live: readonly ListedSpace[]) =>
    prepareJson(200, { spaces: live, openSpaces } satisfies SpaceList, { "cache-control": ROOM_CACHE });
  const live = spaces.current();
  return live ? answer(live) : spaces.live().then(answer);
}

function roomResponse(
  id: string,
  requestHeaders: IncomingHttpHeaders,
  { followedSpaces, ...context }: HttpRoutesOptions,
): MaybePromise<PreparedResponse> {
  const answer = (followed: FollowedSpace): PreparedResponse => {
    const etag = roomEtag(followed, context);
    const headers = { "cache-control": ROOM_CACHE, etag, ...OPEN_HEADERS };
    if (requestHeaders["if-none-match"] === etag) return prepareResponse(304, "", headers);
    return prepareJson(200, edgeRoomDocument(followed, context), headers);
  };
  const followed = readySpace(followedSpaces, id);
  return followed ? answer(followed) : follow(followedSpaces, id).then(answer);
}

function spacePageResponse(
  id: string,
  requestHeaders: IncomingHttpHeaders,
  { followedSpaces, pages, ...context }: HttpRoutesOptions,
): MaybePromise<PreparedResponse> {
  const answer = (followed: FollowedSpace) =>
    pages.space(requestHeaders, 200, roomEtag(followed, context), edgeRoomDocument(followed, context));
  const followed = readySpace(followedSpaces, id);
  if (followed) return answer(followed);
  return follow(followedSpaces, id).then(answer, (cause: unknown) => {
    if (!(cause instanceof Refusal)) throw cause;
    return pages.space(requestHeaders, cause.code === "no-space" ? 404 : 200, cause.code, undefined);
  });
}

function soundIfReady(
  space: string,
  object: string,
  { followedSpaces, hls }: HttpRoutesOptions,
): PreparedResponse | undefined {
  const followed = readySpace(followedSpaces, space);
  return followed && hls.immediateResponse(followed, object);
}

function readySpace(followedSpaces: FollowedSpaces, id: string): FollowedSpace | undefined {
  return isSpaceId(id) ? followedSpaces.ready(id as SpaceId) : undefined;
}

async function follow(followedSpaces: FollowedSpaces, id: string): Promise<FollowedSpace> {
  if (!isSpaceId(id)) throw new Refusal("no-space", `${JSON.stringify(id).slice(0, 40)} is not the id of a space.`);
  return followedSpaces.follow(id as SpaceId);
}
