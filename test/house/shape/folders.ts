// Limits the number of source files in a folder, and finds source files of one world that share a name. Pure.

import { posix } from "node:path";
import { codePattern, type Finding } from "../reading/source.ts";

export const folderFilesMax = 16;

/** Files of the same name that do the same job in different folders, and which job that is. */
export interface NameExcuse {
  readonly name: string;
  readonly job: string;
}

// Every program or package may have one of each: the name says the role that its folder gives it.
const indexLike = new Set(["main.ts", "run.ts", "package.json"]);

/** A finding for each folder with more than `folderFilesMax` source files. Tests and `testing` folders do not count. */
export function judgeFolderSizes(paths: readonly string[]): Finding[] {
  const byFolder = Map.groupBy(paths.filter(isSource), posix.dirname);
  return [...byFolder]
    .filter(([, files]) => files.length > folderFilesMax)
    .map(([path, { length }]) => ({
      path,
      line: 1,
      message: `has ${length} source files, more than ${folderFilesMax}`,
    }));
}

/** A finding for each name that several files of one world have, and for each excuse that nothing needs. */
export function judgeFileNames(paths: readonly string[], excuses: readonly NameExcuse[]): Finding[] {
  const named = paths.filter(isSource).filter((path) => !indexLike.has(posix.basename(path)));
  const shared = [...Map.groupBy(named, (path) => `${worldOf(path)} ${posix.basename(path)}`).values()].filter(
    (files) => files.length > 1,
  );
  const names = new Set(shared.map(([path = ""]) => posix.basename(path)));
  return [
    ...shared
      .filter(([path = ""]) => !excuses.some(({ name }) => name === posix.basename(path)))
      .map(([path = "", ...others]) => ({ path, line: 1, message: `has the name of ${others.join(" and ")}` })),
    ...excuses
      .filter(({ name }) => !names.has(name))
      .map(({ name }) => ({ path: name, line: 1, message: "needs no excuse: no other file has this name" })),
  ];
}

function isSource(path: string): boolean {
  return codePattern.test(path) && !path.endsWith(".test.ts") && !path.includes("/testing/");
}

// The three worlds that the compiler keeps apart: see ARCHITECTURE.md.
function worldOf(path: string): "pure" | "browser" | "Node" {
  if (/^(?:wire|flow|media)\//.test(path)) return "pure";
  return /^(?:listener\/|speaker\/browser\/|web\/(?!build\/))/.test(path) ? "browser" : "Node";
}
