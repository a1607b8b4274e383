// Gives components the texts of en/speaking.ts in the chosen language. Call while a component initialises.

import { speaking } from "./en/speaking.ts";
import type { Text } from "./text.ts";
import { translation } from "./translation.ts";

export const speakingText = (): Text["speaking"] => translation().text?.speaking ?? speaking;
