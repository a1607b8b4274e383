// Owns which answer a request at the public door gets: at once where an edge has it at hand. Refuses to make pages, and what is
// not an edge's own.

import type { IncomingHttpHeaders } from "node:http";
import { Refusal } from "@hustings/wire/errors.ts";
import { isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";
import type { ListedSpace } from "@hustings/wire/listen/room-document.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import {
  type HttpExchange,
  type MaybePromise,
  type PreparedResponse,
  prepareJson,
  prepareResponse,
  sendPrepared,
  sendRefusal,
} from "../../http/responses.ts";
import type { Logger } from "../../ops/logger.ts";
import type { FollowedSpace } from "../../replica/followed-space.ts";
import type { FollowedSpaces } from "../../replica/followed-spaces.ts";
import type { Admission } from "../admission/admission.ts";
import type { LoadWatch } from "../load/load-watch.ts";
import type { HlsRoutes } from "./hls-routes.ts";
import type { LiveSpaceList } from "./live-space-list.ts";
import type { Pages } from "./pages.ts";
import type { RequestHead } from "./request-head.ts";
import type { ReverseProxy } from "./reverse-proxy.ts";
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
  readonly loadWatch: Pick<LoadWatch, "usualLagMs">;
  /** Of a CDN that carries HLS. */
  readonly pullUrl?: string | undefined;
  readonly log: Logger;
}

const SPACE_PATH = /^\/api\/spaces\/([^/]+)\/room$/;
const HLS_PATH = /^\/hls\/([^/]+)\/(.+)$/;
/** That a URL leaves as it is. */
const PLAIN_PATH = /^(?:\/[\w-][\w.-]*)+$|^\/$/;
const PAGE_PATH = /^\/s\/([^/]+)$/;

/** Answers one request; never rejects. */
export async function respond(exchange: HttpExchange, options: HttpRoutesOptions): Promise<void> {
  try {
    await route(exchange, options);
  } catch (cause) {
    if (!(cause instanceof Refusal)) options.log.warn({ cause, path: exchange.url.pathname }, "a request failed");
    sendRefusal(exchange, cause);
  }
}

async function route(exchange: HttpExchange, options: HttpRoutesOptions): Promise<void> {
  const { pathname } = exchange.url;
  const { method, headers } = exchange.request;
  const isRead = method === "GET" || method === "HEAD";
  const answer = isRead ? ownResponse(pathname, headers, options) : undefined;
  if (answer) return sendPrepared(exchange, await answer);
  if (pathname.startsWith("/api/")) return options.api.pass(exchange);
  if (pathname.startsWith("/stage/")) return options.stage.pass(exchange);
  if (!isRead) throw new Refusal("not-allowed");
  if (pathname.startsWith("/listen/")) throw new Refusal("bad-request", "Listeners connect with a WebSocket.");
  const hls = HLS_PATH.exec(pathname);
  if (hls)
    return options.hls.respond(exchange, await follow(options.followedSpaces, hls[1] as string), hls[2] as string);
  if (!String(headers.accept ?? "").includes("text/html")) throw new Refusal("no-page");
  sendPrepared(exchange, await options.pages.other(headers, 404));
}

/**
 * What is answered to a GET, where that can be said at once; never to a path with anything unusual in it. Never throws. Who
 * gets nothing asks `answerAtDoor`, which waits for the same.
 */
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
    // It is thrown again where it is answered, and told.
  }
  return undefined;
}

/** What an edge answers from its own memory; `undefined`: `path` is none of those. Rejects with a Refusal. */
function ownResponse(
  path: string,
  asked: IncomingHttpHeaders,
  options: HttpRoutesOptions,
): MaybePromise<PreparedResponse> | undefined {
  if (path === ROUTES.home) return homeResponse(asked, options);
  if (path === ROUTES.spaces) return spaceListResponse(options);
  const [, room] = SPACE_PATH.exec(path) ?? [];
  if (room !== undefined) return roomResponse(room, asked, options);
  const [, page] = PAGE_PATH.exec(path) ?? [];
  if (page !== undefined) return spacePageResponse(page, asked, options);
  return options.assets.respond(path, asked);
}

function homeResponse(
  asked: IncomingHttpHeaders,
  { spaces, pages }: HttpRoutesOptions,
): MaybePromise<PreparedResponse> {
  const live = spaces.current();
  if (live) return pages.home(asked, live);
  return spaces.live().then(
    (listed) => pages.home(asked, listed),
    (cause: unknown) => {
      if (cause instanceof Refusal) return pages.home(asked, undefined);
      throw cause;
    },
  );
}

function spaceListResponse({ spaces }: HttpRoutesOptions): MaybePromise<PreparedResponse> {
  const answer = (live: readonly ListedSpace[]) => prepareJson(200, { spaces: live }, { "cache-control": ROOM_CACHE });
  const live = spaces.current();
  return live ? answer(live) : spaces.live().then(answer);
}

function roomResponse(
  id: string,
  asked: IncomingHttpHeaders,
  { followedSpaces, ...door }: HttpRoutesOptions,
): MaybePromise<PreparedResponse> {
  const answer = (followed: FollowedSpace): PreparedResponse => {
    const etag = roomEtag(followed, door);
    const headers = { "cache-control": ROOM_CACHE, etag, "access-control-allow-origin": "*" };
    if (asked["if-none-match"] === etag) return prepareResponse(304, "", headers);
    return prepareJson(200, edgeRoomDocument(followed, door), headers);
  };
  const followed = readySpace(followedSpaces, id);
  return followed ? answer(followed) : follow(followedSpaces, id).then(answer);
}

// A page is always given out: what it does not find in itself it asks for, again and again if need be.
function spacePageResponse(
  id: string,
  asked: IncomingHttpHeaders,
  { followedSpaces, pages, ...door }: HttpRoutesOptions,
): MaybePromise<PreparedResponse> {
  const answer = (followed: FollowedSpace) =>
    pages.space(asked, 200, roomEtag(followed, door), edgeRoomDocument(followed, door));
  const followed = readySpace(followedSpaces, id);
  if (followed) return answer(followed);
  return follow(followedSpaces, id).then(answer, (cause: unknown) => {
    if (!(cause instanceof Refusal)) throw cause;
    return pages.space(asked, cause.code === "no-space" ? 404 : 200, cause.code, undefined);
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
