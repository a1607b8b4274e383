// Hands the store of this page down to every component. Call while a component initialises.

import { createContext } from "svelte";
import type { BrowserStore } from "./browser-store.ts";

/** One store per page, because values that the browser does not keep live in it. */
export const [browserStore, provideStore] = createContext<BrowserStore>();
