// Gives components the texts of en/aside.ts in the chosen language. Call while a component initialises.

import { aside } from "./en/aside.ts";
import type { Text } from "./text.ts";
import { translation } from "./translation.ts";

export const asideText = (): Text["aside"] => translation().text?.aside ?? aside;
