// Owns which page is shown: the address, and moving between addresses without loading. Refuses to know the pages.

import { isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";
import { ROUTES } from "@hustings/wire/routes.ts";

export type Place =
  | { readonly page: "home" }
  | { readonly page: "space"; readonly id: SpaceId }
  | { readonly page: "nowhere" };

export function placeOf(pathname: string): Place {
  if (pathname === ROUTES.home) return { page: "home" };
  const id = /^\/s\/([^/]+)\/?$/.exec(pathname)?.[1];
  return isSpaceId(id) ? { page: "space", id } : { page: "nowhere" };
}

let current = $state.raw(placeOf(location.pathname));
addEventListener("popstate", () => {
  current = placeOf(location.pathname);
});

export function place(): Place {
  return current;
}

export function go(path: string): void {
  history.pushState(null, "", path);
  current = placeOf(location.pathname);
  scrollTo(0, 0);
}

/** For links: a plain click moves within the page; anything else is the browser's. */
export function follow(event: MouseEvent): void {
  const link = event.currentTarget;
  if (!(link instanceof HTMLAnchorElement) || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.pathname);
}
