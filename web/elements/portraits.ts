// Derives a person's initials and tint from their name, and the stage's layout from the number of people. Pure.

const SEGMENTS =
  typeof Intl.Segmenter === "function" ? new Intl.Segmenter(undefined, { granularity: "grapheme" }) : undefined;

/** One or two graphemes, from the first and last word. An emoji stays whole. */
export function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter((word) => /[\p{L}\p{N}\p{S}]/u.test(word));
  const first = firstCharacter(words[0] ?? name);
  const last = words.length > 1 ? firstCharacter(words.at(-1) ?? "") : "";
  const joins = /^[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}]*$/u.test(first + last);
  return (joins ? first + last : first).toLocaleUpperCase();
}

function firstCharacter(word: string): string {
  const letters = word.replace(/^[^\p{L}\p{N}\p{S}]+/u, "");
  if (SEGMENTS) for (const { segment } of SEGMENTS.segment(letters)) return segment;
  return [...letters][0] ?? "";
}

export function tintOf(name: string): number {
  let hash = 2_166_136_261;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16_777_619) >>> 0;
  return HUES[hash % HUES.length] as number;
}

/** Far from each other and from the hues of --live, --you and --end. */
const HUES = [150, 175, 200, 225, 250, 320, 345, 120, 100, 5];

export type StageLayout = "one" | "two" | "few" | "some" | "many";

export function stageLayoutOf(count: number): StageLayout {
  if (count <= 1) return "one";
  if (count === 2) return "two";
  if (count <= 4) return "few";
  return count <= 9 ? "some" : "many";
}
