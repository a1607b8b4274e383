// Reads the import table out of docs/imports.md and checks every import against it. A row covers the files below its
// folder; the longest row that covers a file is the file's own.

import { isBuiltin } from "node:module";
import { posix } from "node:path";
import { codePattern, type Finding, importsOf, parse } from "../reading/source.ts";
import type { SourceFile } from "../reading/tree.ts";

/** A row of the table: files under `from` may import `allowed` (other rows, packages, `node:` modules, or `*`). */
export interface ImportRow {
  readonly from: string;
  readonly allowed: ReadonlySet<string>;
}

const testingRow = "testing";
const guardedModules = ["node:fs", "node:child_process"];

/**
 * Reads the rows of the table. A cell lists names in backticks; one without backticks, such as "nothing", allows
 * nothing. Throws when there is no table, or when two rows have the same name.
 */
export function readImportTable(markdown: string): ImportRow[] {
  const lines = markdown.split("\n").filter((line) => /^\|\s*`/.test(line));
  if (lines.length === 0) throw new Error("the document has no import table");
  const rows = lines.map((line) => {
    const [, from = "", allowed = ""] = line.split("|");
    return { from: backticked(from)[0] ?? "", allowed: new Set(backticked(allowed)) };
  });
  const twice = rows.find((row, index) => rows.findIndex((other) => other.from === row.from) !== index);
  if (twice !== undefined) throw new Error(`the import table has two rows for ${twice.from}`);
  return rows;
}

/** Judges every import of `files` by the table. `paths` are all files of the repository, to resolve targets. */
export function judgeImports(rows: readonly ImportRow[], files: readonly SourceFile[]): Finding[] {
  return files
    .filter(({ path }) => codePattern.test(path))
    .flatMap((file) => {
      const row = rowOf(rows, file.path);
      if (row === undefined) return [{ path: file.path, line: 1, message: "no row of the import table covers this" }];
      const allowed = new Set([row.from, ...row.allowed, ...testExtras(rows, file.path)]);
      return importsOf(parse(file)).flatMap(({ name, line }) => {
        const target = targetOf(rows, file.path, name);
        if (allowed.has("*") || isAllowed(allowed, target)) return [];
        return [{ path: file.path, line, message: `${row.from} may not import ${target} ("${name}")` }];
      });
    });
}

/** The longest row that is `path` or a folder above it; `server/src/` counts as `server/`. */
export function rowOf(rows: readonly ImportRow[], path: string): ImportRow | undefined {
  const place = path.replace(/^server\/src\//, "server/");
  const covering = rows.filter(({ from }) => place === from || place.startsWith(`${from}/`));
  return covering.sort((a, b) => b.from.length - a.from.length)[0];
}

// Extra targets for tests and files in `testing` folders.
function testExtras(rows: readonly ImportRow[], path: string): Iterable<string> {
  if (!path.endsWith(".test.ts") && !inTesting(path)) return [];
  return [testingRow, ...(rows.find(({ from }) => from === testingRow)?.allowed ?? [])];
}

function inTesting(path: string): boolean {
  return path.includes(`/${testingRow}/`);
}

// A row's name for files of this repository, a `node:` module, or a package's name.
function targetOf(rows: readonly ImportRow[], importer: string, specifier: string): string {
  const bare = specifier.replace(/[?#].*$/, "");
  if (isBuiltin(bare)) return bare.startsWith("node:") ? bare : `node:${bare}`;
  if (bare.startsWith(".")) return ownRow(rows, posix.join(posix.dirname(importer), bare));
  if (bare.startsWith("@hustings/")) return ownRow(rows, bare.slice("@hustings/".length));
  return packageName(bare);
}

function ownRow(rows: readonly ImportRow[], path: string): string {
  if (inTesting(path)) return testingRow;
  return rowOf(rows, path)?.from ?? path;
}

/** `@scope/name` or `name` of a bare specifier. */
export function packageName(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

// `node:*` does not include node:fs and node:child_process; each of these includes the modules below it.
function isAllowed(allowed: ReadonlySet<string>, target: string): boolean {
  if (allowed.has(target)) return true;
  const guarded = guardedModules.find((name) => target === name || target.startsWith(`${name}/`));
  return guarded === undefined ? target.startsWith("node:") && allowed.has("node:*") : allowed.has(guarded);
}

function backticked(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
}
