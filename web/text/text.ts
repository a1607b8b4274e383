// The type of a screen language, derived from English, so that missing or extra texts do not compile.

import type { aside } from "./en/aside.ts";
import type { asking } from "./en/asking.ts";
import type { errors } from "./en/errors.ts";
import type { hearing } from "./en/hearing.ts";
import type { home } from "./en/home.ts";
import type { page } from "./en/page.ts";
import type { speaking } from "./en/speaking.ts";

export interface Text {
  /** BCP 47, for the `lang` attribute. */
  readonly lang: string;
  readonly dir: "ltr" | "rtl";
  readonly page: typeof page;
  readonly hearing: typeof hearing;
  readonly asking: typeof asking;
  readonly speaking: typeof speaking;
  readonly home: typeof home;
  readonly aside: typeof aside;
  readonly errors: typeof errors;
}

export type PageText = Text["page"];
export type HearingText = Text["hearing"];
