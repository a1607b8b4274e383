// The rules for titles and names that people type.

import { Refusal } from "./errors.ts";
import { withoutUnseen } from "./unseen.ts";

export const MAX_NAME_CHARACTERS = 60;
export const MAX_TITLE_CHARACTERS = 120;

/** Nonspacing marks on one character (UTS 39 §5.4). */
const MAX_STACKED_MARKS = 4;

// Controls, bidirectional overrides and isolates, separators, lone surrogates and signs for other things: each can disguise a
// text or break its line.
const UNSHOWABLE =
  /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}\u2028\u2029\u202A-\u202E\u2066-\u2069\uFEFF\uFFF9-\uFFFC]/u;

/** Spaces, and letters and symbols that look like one: Hangul fillers, the empty Braille cell, the empty note head. */
const BLANKS = /[\s\p{Zs}\u115F\u1160\u3164\uFFA0\u2800\u{1D159}]+/gu;

const STACKED_MARKS = new RegExp(`[\\p{Mn}\\p{Me}]{${MAX_STACKED_MARKS + 1}}`, "u");

/** In NFC, without signs that are not seen, spaces collapsed. Throws `bad-name` unless it is 1 to 60 showable characters. */
export function cleanName(text: unknown): string {
  return clean(text, MAX_NAME_CHARACTERS, "bad-name", "name");
}

/** As `cleanName`: `bad-title`, 1 to 120. */
export function cleanTitle(text: unknown): string {
  return clean(text, MAX_TITLE_CHARACTERS, "bad-title", "title");
}

function clean(text: unknown, maxCharacters: number, code: "bad-name" | "bad-title", what: string): string {
  if (typeof text !== "string") throw new Refusal(code, `The ${what} is not a text.`);
  if (text.length > maxCharacters * 8)
    throw new Refusal(code, `The ${what} has more than ${maxCharacters} characters.`);
  const spaced = text.replace(BLANKS, " ");
  if (UNSHOWABLE.test(spaced)) throw new Refusal(code, `The ${what} has characters that cannot be shown.`);
  const tidy = withoutUnseen(spaced).replace(BLANKS, " ").trim();
  if (!/[\p{L}\p{N}\p{P}\p{S}]/u.test(tidy)) throw new Refusal(code, `The ${what} is empty.`);
  if (/^\p{M}/u.test(tidy)) throw new Refusal(code, `The ${what} begins with a mark that belongs on a letter.`);
  if (STACKED_MARKS.test(tidy))
    throw new Refusal(code, `The ${what} has more than ${MAX_STACKED_MARKS} marks on one character.`);
  if ([...tidy].length > maxCharacters)
    throw new Refusal(code, `The ${what} has more than ${maxCharacters} characters.`);
  return tidy;
}
