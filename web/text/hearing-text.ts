// Gives components the texts of en/hearing.ts in the chosen language. Call while a component initialises.

import { hearing } from "./en/hearing.ts";
import type { Text } from "./text.ts";
import { translation } from "./translation.ts";

export const hearingText = (): Text["hearing"] => translation().text?.hearing ?? hearing;
