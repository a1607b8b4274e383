// Finds the English sentences of a file: its comments, the names of its tests, and the paragraphs of a document.

import ts from "typescript";
import { collect, commentsOf, lineOf, parse } from "../reading/source.ts";
import type { SourceFile } from "../reading/tree.ts";

/** A passage of English. `text` keeps its line breaks, without comment marks; `line` is where it begins, from 1. */
export interface Passage {
  readonly kind: "comment" | "test name" | "paragraph";
  readonly line: number;
  readonly text: string;
}

const testCalls = /^(?:test|it|describe|suite|(?:t|context)\.test)$/;
const lineComment = /^\s*\/\//;

/** The passages of a code file, a style sheet, a C file or a Markdown document; of any other file none. */
export function passagesOf(file: SourceFile): Passage[] {
  if (file.path.endsWith(".md")) return paragraphsOf(file.text);
  if (/\.(?:c|css)$/.test(file.path)) return markedPassages(file.text, /\/\*[\s\S]*?\*\//g);
  if (!/\.(?:ts|mts|js|mjs|svelte)$/.test(file.path)) return [];
  const source = parse(file);
  const markup = file.path.endsWith(".svelte") ? markedPassages(file.text, /<!--[\s\S]*?-->/g) : [];
  return [...joinLines(file.text, commentsOf(source)), ...markup, ...testNamesOf(source)];
}

function testNamesOf(source: ts.SourceFile): Passage[] {
  return collect(source, (node) => {
    if (!ts.isCallExpression(node) || !testCalls.test(node.expression.getText())) return undefined;
    const [name] = node.arguments;
    if (name === undefined || !(ts.isStringLiteralLike(name) || ts.isTemplateExpression(name))) return undefined;
    return { kind: "test name", line: lineOf(name), text: name.getText().slice(1, -1) };
  });
}

/** Joins `//` comments on consecutive lines, so that a sentence that spans lines is one passage. */
function joinLines(text: string, comments: readonly { readonly name: string; readonly line: number }[]): Passage[] {
  const lines = text.split("\n");
  const passages: { line: number; last: number; text: string }[] = [];
  for (const { name, line } of [...comments].sort((a, b) => a.line - b.line)) {
    const above = passages.at(-1);
    const continues = above?.last === line - 1 && [line - 2, line - 1].every((at) => lineComment.test(lines[at] ?? ""));
    if (above !== undefined && continues) {
      above.text += `\n${withoutMarks(name)}`;
      above.last = line;
    } else passages.push({ line, last: line + name.split("\n").length - 1, text: withoutMarks(name) });
  }
  return passages.map(({ line, text: joined }) => ({ kind: "comment", line, text: joined }));
}

function markedPassages(text: string, mark: RegExp): Passage[] {
  return [...text.matchAll(mark)].map((match) => ({
    kind: "comment",
    line: lineAt(text, match.index),
    text: withoutMarks(match[0]),
  }));
}

/** Paragraphs, list entries and table rows. Code blocks and quoted lines are left out. */
function paragraphsOf(markdown: string): Passage[] {
  const text = markdown.replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, ""));
  return [...text.matchAll(/[^\n]+(?:\n(?!\s*(?:[-*|#>]|\d+\.)\s)[^\n]+)*/g)]
    .filter((match) => !/^\s*>/.test(match[0]))
    .map((match) => ({ kind: "paragraph", line: lineAt(text, match.index), text: match[0] }));
}

function withoutMarks(comment: string): string {
  return comment.replace(/^\s*(?:\/\/+|\/\*+|<!--|\*+(?!\/))?[ \t]?/gm, "").replace(/\s*(?:\*\/|-->)\s*$/, "");
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}
