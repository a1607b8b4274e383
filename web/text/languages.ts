// Chooses the language of the screens. English is bundled in parts; another language is one file, loaded on demand.

import type { Text } from "./text.ts";

type Load = () => Promise<{ readonly default: Text }>;

/** For a second language, add a file beside en/ and a line here: `de: () => import("./de.ts")`. */
const TRANSLATIONS: Readonly<Record<string, Load>> = {};

/** `preferred` is BCP 47, most wanted first. `undefined`: English, also if a translation cannot be loaded. */
export async function loadTranslation(
  preferred: readonly string[],
  translations: Readonly<Record<string, Load>> = TRANSLATIONS,
): Promise<Text | undefined> {
  const load = choose(preferred, translations);
  if (!load) return undefined;
  return load().then(
    (module) => module.default,
    () => undefined,
  );
}

function choose(preferred: readonly string[], translations: Readonly<Record<string, Load>>): Load | undefined {
  for (const tag of preferred) {
    const language = tag.toLowerCase().split("-")[0] ?? "";
    if (language === "en") return undefined;
    if (Object.hasOwn(translations, language)) return translations[language];
  }
  return undefined;
}
