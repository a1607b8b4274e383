// Remembers in this browser the name that a person last gave, to fill it in next time.

import type { Store } from "./browser-store.ts";

const KEY = "hustings.name";

/** Empty when none was given yet. */
export function lastName(store: Store): string {
  return store.getItem(KEY) ?? "";
}

export function rememberName(name: string, store: Store): void {
  store.setItem(KEY, name);
}
