// The credential of this browser in a space: a host link's secret, or a guest's pass.

import type { SpaceId } from "@hustings/wire/ids.ts";
import { HOST_SECRET_PREFIX, ROUTES } from "@hustings/wire/routes.ts";
import type { BrowserStore, Store } from "./browser-store.ts";

export type Credential = "host-link" | "pass";

export const hostKey = (space: SpaceId): string => `hustings.host.${space}`;
export const passKey = (space: SpaceId): string => `hustings.pass.${space}`;

/** `undefined` until this browser has a host link or took part by name. */
export function credentialIn(space: SpaceId, store: Store): Credential | undefined {
  if (store.getItem(hostKey(space)) !== null) return "host-link";
  return store.getItem(passKey(space)) === null ? undefined : "pass";
}

/**
 * Moves a host secret from the address to the store, so that nobody sees or shares it by accident. It also stays in the
 * address where the store does not last.
 */
export function adoptHostLink(space: SpaceId, location: Location, history: History, store: BrowserStore): void {
  const fragment = location.hash.slice(1);
  if (!fragment.startsWith(HOST_SECRET_PREFIX)) return;
  store.setItem(hostKey(space), fragment.slice(HOST_SECRET_PREFIX.length));
  if (store.isLasting) history.replaceState(history.state, "", location.pathname + location.search);
}

export function rememberHost(space: SpaceId, secret: string, store: Store): void {
  store.setItem(hostKey(space), secret);
}

/** `undefined` for guests. `origin` begins with https. */
export function hostUrlIn(space: SpaceId, store: Store, origin: string): string | undefined {
  const secret = store.getItem(hostKey(space));
  return secret === null ? undefined : `${origin}${ROUTES.page(space)}#${HOST_SECRET_PREFIX}${secret}`;
}
