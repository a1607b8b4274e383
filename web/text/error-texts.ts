// Gives components the texts of en/errors.ts in the chosen language. Call while a component initialises.

import { errors } from "./en/errors.ts";
import type { Text } from "./text.ts";
import { translation } from "./translation.ts";

export const errorTexts = (): Text["errors"] => translation().text?.errors ?? errors;
