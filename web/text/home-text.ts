// Gives components the texts of en/home.ts in the chosen language. Call while a component initialises.

import { home } from "./en/home.ts";
import type { Text } from "./text.ts";
import { translation } from "./translation.ts";

export const homeText = (): Text["home"] => translation().text?.home ?? home;
