// Lists the repository's files: all that .gitignore does not name.

import { readdirSync, readFileSync } from "node:fs";
import { join, matchesGlob } from "node:path";

const neverListed = new Set([".git", "node_modules"]);

/** One file of the repository: its path from the root with forward slashes, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** The paths of all files below `root` that are not ignored, with forward slashes, sorted. */
export function listFiles(root: string): string[] {
  const isIgnored = ignoreRule(readFileSync(join(root, ".gitignore"), "utf8"));
  const list = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (neverListed.has(entry.name) || isIgnored(path, entry.isDirectory())) return [];
      return entry.isDirectory() ? list(path) : entry.isFile() ? [path] : [];
    });
  return list("").sort();
}

/** The files among `paths` that match `pattern`, with their text. */
export function readFiles(root: string, paths: readonly string[], pattern: RegExp): SourceFile[] {
  return paths
    .filter((path) => pattern.test(path))
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

/** The part of .gitignore's language that this repository uses. Throws at a line that negates. */
export function ignoreRule(text: string): (path: string, isFolder: boolean) => boolean {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const rules = lines.map((line) => {
    if (line.startsWith("!")) throw new Error(`.gitignore negates, which the house rules do not read: ${line}`);
    const pattern = line.replace(/^\/|\/$/g, "");
    const isAnchored = /\/./.test(line);
    return { onlyFolders: line.endsWith("/"), glob: isAnchored ? pattern : `**/${pattern}` };
  });
  return (path, isFolder) => rules.some((rule) => (isFolder || !rule.onlyFolders) && matchesGlob(path, rule.glob));
}
