// Reads the repository's files once for the tests of the house rules, and formats findings.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { codePattern, type Finding } from "./source.ts";
import { listFiles, readFiles } from "./tree.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const paths = listFiles(root);

export const repository = {
  paths,
  code: readFiles(root, paths, codePattern),
  manifests: readFiles(root, paths, /(?:^|\/)package\.json$/),
  documents: readFiles(root, paths, /\.md$/),
  /** Files of other languages whose comments the rules read. */
  sheets: readFiles(root, paths, /\.(?:c|css)$/),
  texts: readFiles(root, paths, /(?:\.(?:ts|mts|js|mjs|svelte|json|md|html|css|yml|yaml|sh)|\/run|^[^/.]+|\.npmrc)$/),
  text: (path: string): string => readFileSync(join(root, path), "utf8"),
};

/** Findings as lines: `path:line message`. */
export function messages(findings: readonly Finding[]): string[] {
  return findings.map(({ path, line, message }) => `${path}:${line} ${message}`);
}

/** Fails with every finding on a line of its own. */
export function assertNone(findings: readonly Finding[]): void {
  if (findings.length > 0) assert.fail(`${findings.length} findings\n${messages(findings).join("\n")}`);
}
