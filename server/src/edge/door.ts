// Owns which answer a request at the public door gets. Refuses to make any of them itself.

import { Refusal } from "@hustings/wire/errors.ts";
import { isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import type { Admission } from "./admission.ts";
import { type Headers, send, sendJson, sendRefusal, type Visit } from "./answers.ts";
import type { Following } from "./following.ts";
import type { Followings } from "./followings.ts";
import type { Hls } from "./hls.ts";
import type { Inward } from "./inward.ts";
import type { LoadWatch } from "./load-watch.ts";
import type { EdgeLog } from "./log.ts";
import type { Pages } from "./pages.ts";
import type { Assets } from "./pages-assets.ts";
import { ROOM_CACHE, roomOf, roomTag } from "./room.ts";
import type { SpaceList } from "./spaces.ts";

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
  readonly log: EdgeLog;
}

const SPACE_PATH = /^\/api\/spaces\/([^/]+)\/room$/;
const HLS_PATH = /^\/hls\/([^/]+)\/(.+)$/;
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
  const isRead = visit.request.method === "GET" || visit.request.method === "HEAD";
  if (isRead && pathname === ROUTES.home) return answerHome(visit, options);
  const room = SPACE_PATH.exec(pathname);
  if (isRead && room) return answerRoom(visit, room[1] as string, options);
  if (isRead && pathname === ROUTES.spaces) return answerSpaces(visit, options);
  if (pathname.startsWith("/api/")) return options.api.pass(visit);
  if (pathname.startsWith("/stage/")) return options.stage.pass(visit);
  if (!isRead) throw new Refusal("not-allowed");
  if (pathname.startsWith("/listen/")) throw new Refusal("bad-request", "Listeners connect with a WebSocket.");
  const hls = HLS_PATH.exec(pathname);
  if (hls) return options.hls.answer(visit, await follow(options.followings, hls[1] as string), hls[2] as string);
  const page = PAGE_PATH.exec(pathname);
  if (page) return answerPage(visit, page[1] as string, options);
  if (options.assets.answer(visit)) return;
  if (!String(visit.request.headers.accept ?? "").includes("text/html")) throw new Refusal("no-page");
  return options.pages.other(visit, 404);
}

async function answerRoom(visit: Visit, id: string, { followings, ...door }: DoorOptions): Promise<void> {
  const following = await follow(followings, id);
  const headers: Headers = {
    "cache-control": ROOM_CACHE,
    etag: roomTag(following, door),
    "access-control-allow-origin": "*",
  };
  if (visit.request.headers["if-none-match"] === headers["etag"]) return send(visit, 304, "", headers);
  sendJson(visit, 200, roomOf(following, door), headers);
}

async function answerSpaces(visit: Visit, { spaces }: DoorOptions): Promise<void> {
  sendJson(visit, 200, { spaces: await spaces.live() }, { "cache-control": ROOM_CACHE });
}

// A page is always given out: what it does not find in itself it asks for, again and again if need be.
async function answerPage(visit: Visit, id: string, { followings, pages, ...door }: DoorOptions): Promise<void> {
  try {
    const following = await follow(followings, id);
    await pages.space(visit, 200, roomTag(following, door), roomOf(following, door));
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause;
    await pages.space(visit, cause.code === "no-space" ? 404 : 200, cause.code, undefined);
  }
}

async function answerHome(visit: Visit, { spaces, pages }: DoorOptions): Promise<void> {
  const live = await spaces.live().catch((cause: unknown) => {
    if (cause instanceof Refusal) return undefined;
    throw cause;
  });
  await pages.home(visit, live);
}

function follow(followings: Followings, id: string): Promise<Following> {
  if (!isSpaceId(id)) throw new Refusal("no-space", `${JSON.stringify(id).slice(0, 40)} is not the id of a space.`);
  return followings.follow(id as SpaceId);
}
