// Owns the short list of what may be longer than the house allows, each with its reason.

import type { Excuse } from "./lengths.ts";

export const excuses: readonly Excuse[] = [];
