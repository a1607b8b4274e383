// Lists the files and functions that may be longer than the limits, each with its reason.

import type { Excuse } from "./lengths.ts";

export const excuses: readonly Excuse[] = [];
