// Gives components the texts of en/page.ts in the chosen language. Call while a component initialises.

import { page } from "./en/page.ts";
import type { Text } from "./text.ts";
import { translation } from "./translation.ts";

export const pageText = (): Text["page"] => translation().text?.page ?? page;
