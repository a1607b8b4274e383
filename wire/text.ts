// The rules for titles and names that people type.

import { Refusal } from "./errors.ts";

export const MAX_NAME_CHARACTERS = 60;
export const MAX_TITLE_CHARACTERS = 120;

// Controls, bidirectional overrides and isolates, separators and lone surrogates: each can disguise a text or break its
// line.
const UNSHOWABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u202A-\u202E\u2066-\u2069\uFEFF]/u;

/** Collapses spaces, in NFC. Throws `bad-name` unless it is 1 to 60 showable characters. */
export function cleanName(text: unknown): string {
  return clean(text, MAX_NAME_CHARACTERS, "bad-name", "name");
}

/** Collapses spaces, in NFC. Throws `bad-title` unless it is 1 to 120 showable characters. */
export function cleanTitle(text: unknown): string {
  return clean(text, MAX_TITLE_CHARACTERS, "bad-title", "title");
}

function clean(text: unknown, maxCharacters: number, code: "bad-name" | "bad-title", what: string): string {
  if (typeof text !== "string") throw new Refusal(code, `The ${what} is not a text.`);
  if (text.length > maxCharacters * 8)
    throw new Refusal(code, `The ${what} has more than ${maxCharacters} characters.`);
  const tidy = text
    .normalize("NFC")
    .replace(/[\s\p{Zs}]+/gu, " ")
    .trim();
  if (UNSHOWABLE.test(tidy)) throw new Refusal(code, `The ${what} has characters that cannot be shown.`);
  if (!/[\p{L}\p{N}\p{P}\p{S}]/u.test(tidy)) throw new Refusal(code, `The ${what} is empty.`);
  if ([...tidy].length > maxCharacters)
    throw new Refusal(code, `The ${what} has more than ${maxCharacters} characters.`);
  return tidy;
}
