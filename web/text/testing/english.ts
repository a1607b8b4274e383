// English as one whole language, as a translation is, and a pseudo-language that marks every text.

import { aside } from "../en/aside.ts";
import { asking } from "../en/asking.ts";
import { errors } from "../en/errors.ts";
import { hearing } from "../en/hearing.ts";
import { home } from "../en/home.ts";
import { page } from "../en/page.ts";
import { speaking } from "../en/speaking.ts";
import type { Text } from "../text.ts";

export const english: Text = { lang: "en", dir: "ltr", page, hearing, asking, speaking, home, aside, errors };

/** English in which every text stands between ⟦ and ⟧. */
export const marked: Text = mark(english) as Text;

function mark(value: unknown): unknown {
  if (typeof value === "string") return `⟦${value}⟧`;
  if (typeof value === "function") return (...values: unknown[]) => mark(value(...values));
  return Object.fromEntries(Object.entries(value as object).map(([key, inner]) => [key, mark(inner)]));
}
