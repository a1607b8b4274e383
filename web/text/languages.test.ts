import assert from "node:assert/strict";
import { test } from "node:test";
import { ERROR_TABLE } from "@hustings/wire/errors.ts";
import { loadTranslation } from "./languages.ts";
import { english, marked } from "./testing/english.ts";
import type { Text } from "./text.ts";

const arabic: Text = { ...marked, lang: "ar", dir: "rtl" };
const translations = {
  ar: async () => ({ default: arabic }),
  de: () => Promise.reject(new Error("offline")),
};
const languageFor = async (...preferred: string[]) => (await loadTranslation(preferred, translations))?.lang;

test("the first language that a person prefers and the app has is chosen", async () => {
  assert.equal(await languageFor("ar-EG", "en"), "ar");
  assert.equal(await languageFor("fr", "AR"), "ar");
  assert.equal(await languageFor("en-GB", "ar"), undefined);
  assert.equal(await languageFor("fr"), undefined);
  assert.equal(await languageFor("constructor"), undefined);
  assert.equal(await languageFor(), undefined);
});

test("English stands in for a translation that cannot be loaded", async () => {
  assert.equal(await languageFor("de"), undefined);
});

test("every error has a sentence for people", () => {
  for (const code of Object.keys(ERROR_TABLE)) {
    const sentence = english.errors[code as keyof typeof ERROR_TABLE];
    assert.match(sentence, /^[A-Z][^<>{}]+\.$/, code);
  }
});
