// Finds phrases that the house does not use in comments, test names and documents: those that make a reader guess what
// is meant. Pure. Each phrase names its replacement in `instead`.

import type { Finding } from "../reading/source.ts";
import type { SourceFile } from "../reading/tree.ts";
import { type Passage, passagesOf } from "./prose.ts";

interface Phrase {
  /** Matched against a passage, in which a line break is a space. */
  readonly pattern: RegExp;
  readonly instead: string;
  readonly kinds?: readonly Passage["kind"][];
}

/** One phrase that stays, and why: somebody's words, or the term of a standard. */
export interface EnglishExcuse {
  readonly path: string;
  readonly text: string;
  readonly reason: string;
}

// A sentence begins a passage, or follows a full stop; in documents also a list mark or the bar of a table.
const begins = String.raw`(?<=^|[.!?:][)"*]? )(?:[-*|] |\d+\. )?`;
// A clause such as "What the page shows" has a subject of its own.
const ownSubject = "the|an?|this|that|these|those|its|their|our|your|each|every|one|it|they|we|you|he|she|happens";
const phrases: readonly Phrase[] = [
  { pattern: new RegExp(`${begins}(?:Who|Whoever|Whatever|Whose)\\b(?![^.!?]*\\?)`, "g"), instead: "name the subject" },
  {
    pattern: new RegExp(`${begins}What (?!(?:${ownSubject})\\b|[A-Z\`])(?![^.!?]*\\?)`, "g"),
    instead: "name the subject",
  },
  {
    pattern: /^(?:[A-Z]\d+ )*(?:who|whoever|whatever|whose|what)\b/gi,
    instead: "say what the product does",
    kinds: ["test name"],
  },
  { pattern: /\banew\b/gi, instead: '"again", or name what is new' },
  { pattern: /\bso (?:many|long)\b(?! (?:that|an?)\b)/gi, instead: "name the number or the time" },
  { pattern: /(?<!\bthere )\b(?:is|are|was|were) none\b/gi, instead: "say what it is instead" },
  { pattern: /\btold\b(?! apart\b)/gi, instead: '"sent", "reported", "logged" or "shown"' },
  { pattern: /\b(?:is|are|was|were|be|been|being|nobody|had) said\b/gi, instead: '"sent", "reported" or "spoken"' },
  { pattern: /\bby (?:itself|themselves|himself|oneself)\b/gi, instead: '"automatically", "on its own", or nothing' },
  {
    pattern: /(?<!\b(?:left|leave|leaves|leaving|let|stands?|runs|ran|is|was|are|go|goes) )\balone\b/gi,
    instead: '"only"',
  },
  { pattern: /\bbears\b/gi, instead: '"supports" or "carries"' },
  { pattern: /\bRefuses to\b/g, instead: "say what the file does", kinds: ["comment"] },
  { pattern: /^Owns\b/g, instead: "say what the file does", kinds: ["comment"] },
];

/** Findings for each banned phrase in `file` that no excuse covers. */
export function judgeEnglish(file: SourceFile, excuses: readonly EnglishExcuse[]): Finding[] {
  const excused = excuses.filter(({ path }) => path === file.path);
  return passagesOf(file).flatMap((passage) => {
    const text = excused.reduce((rest, excuse) => rest.replaceAll(excuse.text, ""), passage.text.replaceAll("\n", " "));
    return phrases.flatMap(({ pattern, instead, kinds }) => {
      if (kinds !== undefined && !kinds.includes(passage.kind)) return [];
      return [...text.matchAll(pattern)].map((match) => ({
        path: file.path,
        line: passage.line + breaksBefore(passage.text, match.index),
        message: `"${excerpt(text, match.index, match[0].length)}" in a ${passage.kind}: ${instead}`,
      }));
    });
  });
}

/** Excuses whose words do not stand in their file any more. */
export function idleExcuses(files: readonly SourceFile[], excuses: readonly EnglishExcuse[]): Finding[] {
  return excuses
    .filter(({ path, text }) => !files.some((file) => file.path === path && file.text.includes(text)))
    .map(({ path, text }) => ({ path, line: 1, message: `the excuse for "${text}" is not needed any more` }));
}

function breaksBefore(text: string, index: number): number {
  return text.slice(0, index).split("\n").length - 1;
}

function excerpt(text: string, index: number, length: number): string {
  return text.slice(Math.max(0, text.lastIndexOf(" ", index - 2)), index + length + 24).trim();
}
