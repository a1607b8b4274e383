// Hands the chosen translation down to every component.

import { createContext } from "svelte";
import type { Text } from "./text.ts";

/** App.svelte sets it; `undefined`: English. */
export const [translation, provideTranslation] = createContext<{ readonly text: Text | undefined }>();
