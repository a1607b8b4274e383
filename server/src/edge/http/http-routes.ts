// Owns which answer a request at the public door gets: at once where an edge has it at hand. Refuses to make pages, and what is
// not an edge's own.

import type { IncomingHttpHeaders } from "node:http";
import { Refusal } from "@hustings/wire/errors.ts";
import { isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";
import type { ListedSpace } from "@hustings/wire/listen/room-document.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { type Answer, answerOf, jsonOf, type Soon, sendAnswer, sendRefusal, type Visit } from "../../http/responses.ts";
import type { Logger } from "../../ops/logger.ts";
import type { Following } from "../../replica/followed-space.ts";
import type { Followings } from "../../replica/followed-spaces.ts";
import type { Admission } from "../admission/admission.ts";
import type { LoadWatch } from "../load/load-watch.ts";
import type { Hls } from "./hls-routes.ts";
import type { SpaceList } from "./live-space-list.ts";
import type { Pages } from "./pages.ts";
import type { RequestHead } from "./request-head.ts";
import type { Inward } from "./reverse-proxy.ts";
import { ROOM_CACHE, roomOf, roomTag } from "./room-response.ts";
import type { Assets } from "./static-assets.ts";

export interface DoorOptions {
  readonly followings: Followings;
  readonly spaces: SpaceList;
  readonly assets: Assets;
  readonly pages: Pages;
  readonly api: Inward;
  readonly stage: Inward;
  readonly hls: Hls;
  readonly stagePort: number;
  readonly admission: Admission;
  readonly cadences: Pick<LoadWatch, "usualLagMs">;
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
export async function answerAtDoor(visit: Visit, options: DoorOptions): Promise<void> {
  try {
    await route(visit, options);
  } catch (cause) {
    if (!(cause instanceof Refusal)) options.log.warn({ cause, path: visit.url.pathname }, "a request failed");
    sendRefusal(visit, cause);
  }
}

async function route(visit: Visit, options: DoorOptions): Promise<void> {
  const { pathname } = visit.url;
  const { method, headers } = visit.request;
  const isRead = method === "GET" || method === "HEAD";
  const answer = isRead ? read(pathname, headers, options) : undefined;
  if (answer) return sendAnswer(visit, await answer);
  if (pathname.startsWith("/api/")) return options.api.pass(visit);
  if (pathname.startsWith("/stage/")) return options.stage.pass(visit);
  if (!isRead) throw new Refusal("not-allowed");
  if (pathname.startsWith("/listen/")) throw new Refusal("bad-request", "Listeners connect with a WebSocket.");
  const hls = HLS_PATH.exec(pathname);
  if (hls) return options.hls.answer(visit, await follow(options.followings, hls[1] as string), hls[2] as string);
  if (!String(headers.accept ?? "").includes("text/html")) throw new Refusal("no-page");
  sendAnswer(visit, await options.pages.other(headers, 404));
}

/**
 * What is answered to a GET, where that can be said at once; never to a path with anything unusual in it. Never throws. Who
 * gets nothing asks `answerAtDoor`, which waits for the same.
 */
export function readyAtDoor({ url = "", headers }: RequestHead, options: DoorOptions): Answer | undefined {
  if (!PLAIN_PATH.test(url)) return undefined;
  try {
    const [, space, object] = HLS_PATH.exec(url) ?? [];
    if (space !== undefined && object !== undefined) return soundAtHand(space, object, options);
    const answer = read(url, headers, options);
    if (!(answer instanceof Promise)) return answer;
    answer.catch(() => undefined);
  } catch {
    // It is thrown again where it is answered, and told.
  }
  return undefined;
}

/** What an edge answers from its own memory; `undefined`: `path` is none of those. Rejects with a Refusal. */
function read(path: string, asked: IncomingHttpHeaders, options: DoorOptions): Soon<Answer> | undefined {
  if (path === ROUTES.home) return homeOf(asked, options);
  if (path === ROUTES.spaces) return spacesOf(options);
  const [, room] = SPACE_PATH.exec(path) ?? [];
  if (room !== undefined) return roomAnswerOf(room, asked, options);
  const [, page] = PAGE_PATH.exec(path) ?? [];
  if (page !== undefined) return pageOf(page, asked, options);
  return options.assets.answer(path, asked);
}

function homeOf(asked: IncomingHttpHeaders, { spaces, pages }: DoorOptions): Soon<Answer> {
  const live = spaces.atHand();
  if (live) return pages.home(asked, live);
  return spaces.live().then(
    (listed) => pages.home(asked, listed),
    (cause: unknown) => {
      if (cause instanceof Refusal) return pages.home(asked, undefined);
      throw cause;
    },
  );
}

function spacesOf({ spaces }: DoorOptions): Soon<Answer> {
  const answer = (live: readonly ListedSpace[]) => jsonOf(200, { spaces: live }, { "cache-control": ROOM_CACHE });
  const live = spaces.atHand();
  return live ? answer(live) : spaces.live().then(answer);
}

function roomAnswerOf(id: string, asked: IncomingHttpHeaders, { followings, ...door }: DoorOptions): Soon<Answer> {
  const answer = (following: Following): Answer => {
    const etag = roomTag(following, door);
    const headers = { "cache-control": ROOM_CACHE, etag, "access-control-allow-origin": "*" };
    if (asked["if-none-match"] === etag) return answerOf(304, "", headers);
    return jsonOf(200, roomOf(following, door), headers);
  };
  const following = followed(followings, id);
  return following ? answer(following) : follow(followings, id).then(answer);
}

// A page is always given out: what it does not find in itself it asks for, again and again if need be.
function pageOf(id: string, asked: IncomingHttpHeaders, { followings, pages, ...door }: DoorOptions): Soon<Answer> {
  const answer = (following: Following) => pages.space(asked, 200, roomTag(following, door), roomOf(following, door));
  const following = followed(followings, id);
  if (following) return answer(following);
  return follow(followings, id).then(answer, (cause: unknown) => {
    if (!(cause instanceof Refusal)) throw cause;
    return pages.space(asked, cause.code === "no-space" ? 404 : 200, cause.code, undefined);
  });
}

function soundAtHand(space: string, object: string, { followings, hls }: DoorOptions): Answer | undefined {
  const following = followed(followings, space);
  return following && hls.atHand(following, object);
}

function followed(followings: Followings, id: string): Following | undefined {
  return isSpaceId(id) ? followings.atHand(id as SpaceId) : undefined;
}

async function follow(followings: Followings, id: string): Promise<Following> {
  if (!isSpaceId(id)) throw new Refusal("no-space", `${JSON.stringify(id).slice(0, 40)} is not the id of a space.`);
  return followings.follow(id as SpaceId);
}
