// Lists the phrases that may stay although the house bans them: quotations, and terms of a standard.

import type { EnglishExcuse } from "./plain-english.ts";

export const excuses: readonly EnglishExcuse[] = [];
