// Finds the characters of a text that are not seen: zero-width signs, variation selectors, tags.

/** Scripts whose letters change where they are joined or not, which U+200C and U+200D decide. */
const JOINING = [
  ...["Arabic", "Syriac", "Mandaic", "Nko", "Mongolian", "Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya"],
  ...["Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala", "Khmer", "Myanmar"],
].map((script) => `\\p{Script=${script}}`);

/** Sequences that need a sign which is not seen. */
const MEANT = [
  "\\u{1F3F4}[\\u{E0030}-\\u{E0039}\\u{E0061}-\\u{E007A}]{2,6}\\u{E007F}",
  "\\p{Extended_Pictographic}\\uFE0F?\\p{Emoji_Modifier}?(?:\\u200D\\p{Extended_Pictographic}\\uFE0F?\\p{Emoji_Modifier}?)*",
  "[0-9#*]\\uFE0F\\u20E3",
  "\\p{Script=Han}[\\uFE00-\\uFE0F\\u{E0100}-\\u{E01EF}]",
  "\\p{Script=Mongolian}[\\u180B-\\u180D\\u180F]",
  `[${JOINING.join("")}][\\u200C\\u200D](?=[${JOINING.join("")}])`,
];

const UNSEEN = new RegExp(`(${MEANT.join("|")})|\\p{Default_Ignorable_Code_Point}`, "gu");

/** In NFC, without characters that are not seen, except where a language or an emoji needs them. */
export function withoutUnseen(text: string): string {
  const shorter = text.normalize("NFC").replace(UNSEEN, (_, meant: string | undefined) => meant ?? "");
  // A sign that was needed may no longer be: a removal changes neighbours, and NFC the order of marks.
  return shorter === text ? text : withoutUnseen(shorter);
}
