// Maps addresses to pages and moves between them without loading a document.

import { isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";
import { ROUTES } from "@hustings/wire/routes.ts";

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
export function navigate(path: string): void {
  history.pushState(null, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
  scrollTo(0, 0);
}

/** Any click but a plain one is left to the browser. */
export function followLink(event: MouseEvent): void {
  const link = event.currentTarget;
  if (!(link instanceof HTMLAnchorElement) || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  navigate(link.pathname);
}
