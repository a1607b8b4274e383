// Checks single lines of code: clock reads, process access, disabled tests, notes for later, sleeps in tests, and the
// header comment. Pure.

import ts from "typescript";
import { collect, commentsOf, type Finding, lineOf, parse } from "../reading/source.ts";
import type { SourceFile } from "../reading/tree.ts";

/** A rule about one node: what is wrong with it, or undefined. */
type NodeRule = (node: ts.Node, path: string) => string | undefined;

const testWords = /^(?:test|it|describe|suite|t)$/;
const leftOut = new Set(["skip", "only", "todo"]);
const note = /\b(?:TODO|FIXME|XXX|HACK)\b/;
const silencer = /@ts-(?:ignore|expect-error|nocheck)\b/;

const rules: readonly NodeRule[] = [clockRule, processRule, leftOutRule, leftOutOptionRule, anyRule, sleepRule];

/** Every finding of these rules in `file`. */
export function judgeHabits(file: SourceFile): Finding[] {
  const source = parse(file);
  const nodes = collect(source, (node) => {
    const message = rules.map((rule) => rule(node, file.path)).find((text) => text !== undefined);
    return message === undefined ? undefined : { path: file.path, line: lineOf(node), message };
  });
  return [...judgeOpening(file), ...judgeComments(file.path, source), ...nodes];
}

// Test files need no header: their tests' names say it.
function judgeOpening(file: SourceFile): Finding[] {
  if (file.path.endsWith(".test.ts")) return [];
  const opens = /^(?:#!.*\n)?\s*(?:<!--|<script\b[^>]*>\s*\/[/*]|\/[/*])/.test(file.text);
  return opens ? [] : [{ path: file.path, line: 1, message: "needs a header comment that says what the file does" }];
}

function judgeComments(path: string, source: ts.SourceFile): Finding[] {
  return commentsOf(source).flatMap(({ name: text, line }) => {
    if (note.test(text)) return [{ path, line, message: "leaves a note for later: do it, or open an issue" }];
    return silencer.test(text) ? [{ path, line, message: "silences the compiler" }] : [];
  });
}

function clockRule(node: ts.Node, path: string): string | undefined {
  if (/^flow\/clock[^/]*\.ts$/.test(path) || isTest(path)) return undefined;
  const isNow = ts.isPropertyAccessExpression(node) && /^(?:Date|performance)\.now$/.test(node.getText());
  const isNewDate = ts.isNewExpression(node) && node.expression.getText() === "Date" && !node.arguments?.length;
  return isNow || isNewDate ? "reads a clock: take a clock of flow/clock.ts as an argument" : undefined;
}

// Entry points that the drill starts as processes.
const processEntries = new Set(["drill/generator/generator-process.ts", "drill/measure/bare-ticker-process.ts"]);

function processRule(node: ts.Node, path: string): string | undefined {
  if (path.startsWith("cli/") || processEntries.has(path) || isTest(path)) return undefined;
  const isAccess = ts.isPropertyAccessExpression(node) && /^process\.(?:env|exit\w*)$/.test(node.getText());
  const isImport =
    ts.isImportSpecifier(node) &&
    /^(?:env|exit\w*)$/.test((node.propertyName ?? node.name).text) &&
    /["']node:process["']/.test(node.parent.parent.parent.getText());
  return isAccess || isImport ? "reads the environment or ends the process, which only cli does" : undefined;
}

function leftOutRule(node: ts.Node): string | undefined {
  if (!ts.isPropertyAccessExpression(node) || !leftOut.has(node.name.text)) return undefined;
  return testWords.test(node.expression.getText()) ? `leaves tests out by .${node.name.text}` : undefined;
}

function leftOutOptionRule(node: ts.Node): string | undefined {
  if (!ts.isPropertyAssignment(node) || !leftOut.has(node.name.getText())) return undefined;
  const call = node.parent.parent;
  const isOption = ts.isCallExpression(call) && testWords.test(call.expression.getText());
  return isOption ? `leaves tests out by the option ${node.name.getText()}` : undefined;
}

function anyRule(node: ts.Node): string | undefined {
  return node.kind === ts.SyntaxKind.AnyKeyword ? "uses any: name the type, or unknown" : undefined;
}

// Finds `await delay(100)` and `await new Promise((resolve) => setTimeout(resolve, 100))`. A delay of zero only yields,
// and a delay inside `while` polls the loop's condition.
function sleepRule(node: ts.Node, path: string): string | undefined {
  if (!path.endsWith(".test.ts") || !ts.isAwaitExpression(node) || isInLoop(node)) return undefined;
  const text = node.expression.getText().replace(/\s+/g, " ");
  const isDelay = /^(?:delay|sleep|setTimeout|wait)\((?!0\b)/.test(text);
  const isPromise = /^new Promise(?:<.*?>)?\(\(?(\w+)\)? => (?:void )?(?:\{ )?setTimeout\(\1, ?(?!0\))/.test(text);
  return isDelay || isPromise ? "sleeps: advance a clock or await a condition" : undefined;
}

function isInLoop(node: ts.Node): boolean {
  if (ts.isWhileStatement(node) || ts.isDoStatement(node)) return true;
  return node.parent !== undefined && !ts.isFunctionLike(node) && isInLoop(node.parent);
}

function isTest(path: string): boolean {
  return path.startsWith("test/") || path.endsWith(".test.ts");
}
