// Parses a source file and lists what the house rules ask about: imports, functions, declared names and comments. In a
// Svelte component it reads the scripts only.

import ts from "typescript";
import type { SourceFile } from "./tree.ts";

/** One finding of a rule: where it is, and what is wrong. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** A name that appears in the source, at a line counted from 1. */
export interface Named {
  readonly name: string;
  readonly line: number;
}

/** A function with a body. `lines` counts from its first to its last line, both included. */
export interface FunctionSpan extends Named {
  readonly lines: number;
}

/** Paths of code files. */
export const codePattern = /\.(?:ts|mts|js|mjs|svelte)$/;

const suites = new Set(["describe", "suite"]);

// Every rule reads every file: each is parsed once.
const parsed = new WeakMap<SourceFile, ts.SourceFile>();

/** Parses a file; of a Svelte component only the scripts, with the component's line numbers. */
export function parse(file: SourceFile): ts.SourceFile {
  const known = parsed.get(file) ?? parseNow(file);
  parsed.set(file, known);
  return known;
}

function parseNow(file: SourceFile): ts.SourceFile {
  const text = file.path.endsWith(".svelte") ? onlyScripts(file.text) : file.text;
  const kind = /\.m?js$/.test(file.path) ? ts.ScriptKind.JS : ts.ScriptKind.TS;
  return ts.createSourceFile(file.path, text, ts.ScriptTarget.Latest, true, kind);
}

/** Every module that the file names: static, type-only, re-exported, dynamic, resolved, and `import("…")` types. */
export function importsOf(source: ts.SourceFile): Named[] {
  return collect(source, (node) => {
    const specifier = specifierOf(node);
    return specifier === undefined ? undefined : { name: specifier.text, line: lineOf(specifier) };
  });
}

/**
 * Every function with a body, except those that only hold tests: callbacks of `describe` and `suite`, and functions named
 * `…Contract`. `lines` leaves out the lines of named functions inside it, which are counted on their own.
 */
export function functionsOf(source: ts.SourceFile): FunctionSpan[] {
  return collect(source, (node) => {
    if (!ts.isFunctionLike(node) || !("body" in node) || node.body === undefined) return undefined;
    if (ts.isCallExpression(node.parent) && suites.has(node.parent.expression.getText())) return undefined;
    const name = functionName(node);
    if (name.endsWith("Contract")) return undefined;
    const line = lineOf(node);
    return { name, line, lines: linesOf(node) - linesWithin(node) };
  });
}

function linesOf(node: ts.Node): number {
  return node.getSourceFile().getLineAndCharacterOfPosition(node.end).line + 2 - lineOf(node);
}

/** Lines of the named functions directly inside `node`, which have lengths of their own. */
function linesWithin(node: ts.Node): number {
  let lines = 0;
  const visit = (child: ts.Node): void => {
    if (ts.isFunctionDeclaration(child) || ts.isMethodDeclaration(child)) lines += linesOf(child);
    else ts.forEachChild(child, visit);
  };
  ts.forEachChild(node, visit);
  return lines;
}

/** Every name that the file declares: variables, functions, parameters, types, properties and methods. */
export function declaredNames(source: ts.SourceFile): Named[] {
  return collect(source, (node) => {
    if (!ts.isIdentifier(node) || !isDeclaration(node.parent) || node.parent.name !== node) return undefined;
    return { name: node.text, line: lineOf(node) };
  });
}

/** The line, from 1, on which the node begins, without its leading comments. */
export function lineOf(node: ts.Node): number {
  const source = node.getSourceFile();
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

/** Visits every node below `source` and returns the values that `pick` gives. */
export function collect<Picked>(source: ts.SourceFile, pick: (node: ts.Node) => Picked | undefined): Picked[] {
  const picked: Picked[] = [];
  const visit = (node: ts.Node): void => {
    const value = pick(node);
    if (value !== undefined) picked.push(value);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return picked;
}

/** Every comment of the file with its line; in Svelte those of the scripts. */
export function commentsOf(source: ts.SourceFile): Named[] {
  const found = new Map<number, Named>();
  collect(source, (node) => {
    const ranges = [
      ...(ts.getLeadingCommentRanges(source.text, node.getFullStart()) ?? []),
      ...(ts.getTrailingCommentRanges(source.text, node.getEnd()) ?? []),
    ];
    for (const { pos, end } of ranges) {
      const line = source.getLineAndCharacterOfPosition(pos).line + 1;
      found.set(pos, { name: source.text.slice(pos, end), line });
    }
    return undefined;
  });
  return [...found.values()];
}

type NamedDeclaration =
  | ts.VariableDeclaration
  | ts.ParameterDeclaration
  | ts.BindingElement
  | ts.FunctionDeclaration
  | ts.ClassDeclaration
  | ts.InterfaceDeclaration
  | ts.TypeAliasDeclaration
  | ts.PropertySignature
  | ts.PropertyDeclaration
  | ts.MethodSignature
  | ts.MethodDeclaration;

function isDeclaration(node: ts.Node): node is NamedDeclaration {
  return (
    ts.isVariableDeclaration(node) ||
    ts.isParameter(node) ||
    ts.isBindingElement(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isPropertySignature(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isMethodSignature(node) ||
    ts.isMethodDeclaration(node)
  );
}

function specifierOf(node: ts.Node): ts.StringLiteral | undefined {
  const specifier = rawSpecifierOf(node);
  return specifier !== undefined && ts.isStringLiteral(specifier) ? specifier : undefined;
}

function rawSpecifierOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal;
  if (!ts.isCallExpression(node)) return undefined;
  const isDynamic = node.expression.kind === ts.SyntaxKind.ImportKeyword;
  return isDynamic || node.expression.getText() === "import.meta.resolve" ? node.arguments[0] : undefined;
}

function functionName(node: ts.SignatureDeclaration): string {
  const own = node.name?.getText();
  if (own !== undefined) return own;
  if (ts.isConstructorDeclaration(node)) return "constructor";
  const { parent } = node;
  return ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) ? parent.name.getText() : "(unnamed)";
}

// Blanks everything outside <script>, keeping line breaks, so that line numbers stay true.
function onlyScripts(text: string): string {
  let kept = "";
  let at = 0;
  for (const match of text.matchAll(/(<script\b[^>]*>)([\s\S]*?)<\/script>/g)) {
    const start = match.index + (match[1]?.length ?? 0);
    const script = match[2] ?? "";
    kept += text.slice(at, start).replace(/[^\n]/g, " ") + script;
    at = start + script.length;
  }
  return kept + text.slice(at).replace(/[^\n]/g, " ");
}
