// Hands the chosen translation down to every component.

import { createContext } from "svelte";
import type { Text } from "./text.ts";

/** For App.svelte to set, and for the modules of this folder to read. The value is `undefined` for English. */
export const [translation, provideTranslation] = createContext<{ readonly text: Text | undefined }>();
