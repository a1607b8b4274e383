// Proves with the compiler that a screen language with a missing or an extra text, or without a sentence for an error,
// does not compile.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const folder = fileURLToPath(new URL("../../../web/text", import.meta.url));
const file = join(folder, "xx.ts");

/** One translation a line, so that an error's line tells whose it is. */
const translations = {
  complete: "{ ...english, lang: 'xx' }",
  missing: "{ ...english, page: omit(english.page, 'listen') }",
  extra: "{ ...english, page: { ...english.page, farewell: 'Bye' } }",
  mistyped: "{ ...english, page: { ...english.page, began: 'some' } }",
  withoutError: "{ ...english, errors: omit(english.errors, 'full') }",
} as const;

const found = compile(`
  import { english } from "./testing/english.ts";
  import type { Text } from "./text.ts";
  declare function omit<T, K extends keyof T>(value: T, key: K): Omit<T, K>;
  ${Object.entries(translations)
    .map(([name, value]) => `export const ${name}: Text = ${value};`)
    .join("\n  ")}
`);

/** The compiler's messages for a file in web/text that has this text, by the name of the translation. */
function compile(text: string): (name: keyof typeof translations) => readonly string[] {
  const { config } = ts.readConfigFile(join(folder, "../../tsconfig.base.json"), ts.sys.readFile);
  const browser = { lib: ["ES2024", "DOM"], module: "ESNext", moduleResolution: "Bundler", types: [] };
  const { options } = ts.convertCompilerOptionsFromJson({ ...config.compilerOptions, ...browser }, folder);
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile } = host;
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2024);
  host.fileExists = (path) => path === file || fileExists(path);
  host.getSourceFile = (path, ...rest) => (path === file ? source : getSourceFile(path, ...rest));
  const messages = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host)).map((diagnostic) => {
    const line = source.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line;
    return { line: text.split("\n")[line] ?? "", text: ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n") };
  });
  return (name) => messages.flatMap((message) => (message.line.includes(`const ${name}:`) ? [message.text] : []));
}

test("a complete translation compiles", () => {
  assert.deepEqual(found("complete"), []);
});

test("a translation with a missing, an extra or a mistyped text does not compile", () => {
  assert.match(found("missing").join(), /'listen' is missing/);
  assert.match(found("extra").join(), /'farewell' does not exist/);
  assert.match(found("mistyped").join(), /Type 'string' is not assignable/);
});

test("a language without a sentence for an error does not compile", () => {
  assert.match(found("withoutError").join(), /'full' is missing/);
});
