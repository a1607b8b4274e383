// Maps addresses to pages and moves between them without loading a document.

import { isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";
import { ROUTES } from "@hustings/wire/routes.ts";

const TO_LISTEN = "listen";

export type Route =
  | { readonly page: "home" }
  | { readonly page: "space"; readonly id: SpaceId }
  | { readonly page: "not-found" };

export function routeOf(pathname: string): Route {
  if (pathname === ROUTES.home) return { page: "home" };
  const id = /^\/s\/([^/]+)\/?$/.exec(pathname)?.[1];
  return isSpaceId(id) ? { page: "space", id } : { page: "not-found" };
}

/** The browser fires `popstate` for back and forward only, so this fires it too. */
export function navigate(path: string, wish: typeof TO_LISTEN | null = null): void {
  history.pushState(wish, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
  scrollTo(0, 0);
}

/** Any click but a plain one is left to the browser. */
export function followLink(event: MouseEvent, wish: typeof TO_LISTEN | null = null): void {
  const link = event.currentTarget;
  if (!(link instanceof HTMLAnchorElement) || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  navigate(link.pathname, wish);
}

/** As `followLink`, and the page plays as if the person had tapped there. */
export function followLinkToListen(event: MouseEvent): void {
  followLink(event, TO_LISTEN);
}

/** Whether the tap that led here was meant to play. True once, so that a reload stays silent. */
export function takeListenWish(): boolean {
  const isWished = history.state === TO_LISTEN;
  if (isWished) history.replaceState(null, "");
  return isWished;
}
