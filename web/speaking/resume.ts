// Lets a reload within seconds take a held seat again without a tap. Any other return needs a tap: the person may not
// know that they would be heard.

import type { Store } from "../account/browser-store.ts";

export interface PageLoad {
  /** The person reloaded this page, so it did not come from a link, the history or a restored tab. */
  readonly isReload: boolean;
  /** When the browser began to load the page, on the clock of `noteSeat`. */
  readonly beganUtcMs: number;
}

const RESUME_WITHIN_MS = 15_000;

/** Call when a page that holds a seat goes away. `key` names the space. */
export function noteSeat(key: string, utcMs: number, store: Store): void {
  store.setItem(key, String(utcMs));
}

/** True: this load continues the one that made the note, which is used up. */
export function takeSeatNote(key: string, load: PageLoad, store: Store): boolean {
  const noted = store.getItem(key);
  store.removeItem(key);
  if (noted === null || !load.isReload) return false;
  return Math.abs(load.beganUtcMs - Number(noted)) <= RESUME_WITHIN_MS;
}

export function pageLoad(): PageLoad {
  const [entry] = performance.getEntriesByType("navigation");
  const type = entry && "type" in entry ? entry.type : undefined;
  return { isReload: type === "reload", beganUtcMs: performance.timeOrigin };
}
