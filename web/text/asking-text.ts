// Gives components the texts of en/asking.ts in the chosen language. Call while a component initialises.

import { asking } from "./en/asking.ts";
import type { Text } from "./text.ts";
import { translation } from "./translation.ts";

export const askingText = (): Text["asking"] => translation().text?.asking ?? asking;
