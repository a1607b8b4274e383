// Chooses the language of the screens. English is in the bundle, split so that each part of the app brings its own
// texts; any other language is one file, loaded only for people who prefer it, and replaces all of English.

import type { Text } from "./text.ts";

type Load = () => Promise<{ readonly default: Text }>;

/** A second language is one more file beside en/ and one line here: `de: () => import("./de.ts")`. */
const TRANSLATIONS: Readonly<Record<string, Load>> = {};

/**
 * The translation that suits `preferred` (BCP 47, the most wanted first), or `undefined` for English. English also
 * stands in when a translation cannot be loaded.
 */
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
