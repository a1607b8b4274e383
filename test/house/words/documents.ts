// Checks documents for numbered decisions and for links that resolve, and all files for paths of one machine and
// addresses of package registries. Pure.

import { posix } from "node:path";
import type { Finding } from "../reading/source.ts";
import type { SourceFile } from "../reading/tree.ts";

const decisionName = /^docs\/decisions\/(\d{4})-[a-z0-9]+(?:-[a-z0-9]+)*\.md$/;
// Written in parts so that this file does not match itself.
const machinePaths = [
  new RegExp(String.raw`(?<![\w./-])/${"work"}/`),
  new RegExp(String.raw`(?<![\w.-])/${"root"}/`),
  new RegExp(String.raw`(?<![\w./-])/${"home"}/[a-z]`),
  new RegExp(String.raw`(?<![\w./-])/${"Users"}/\w`),
  new RegExp(String.raw`\b${"file"}:///[a-zA-Z]`),
];
const registryHosts = new RegExp(String.raw`\b(?:registry\.${"npmjs"}|registry\.${"yarnpkg"}|${"npm"}\.pkg\.github)`);

/** Findings for decisions that are not NNNN-title.md, or that share a number. */
export function judgeDecisions(paths: readonly string[]): Finding[] {
  const decisions = paths.filter((path) => path.startsWith("docs/decisions/"));
  const numbers = decisions.map((path) => decisionName.exec(path)?.[1]);
  return decisions.flatMap((path, index) => {
    const number = numbers[index];
    if (number === undefined) return [{ path, line: 1, message: "is not named NNNN-title.md" }];
    const isTaken = numbers.indexOf(number) !== index;
    return isTaken ? [{ path, line: 1, message: `the number ${number} is taken` }] : [];
  });
}

/** Findings for relative links of a Markdown file that lead to no file or folder. */
export function judgeLinks(document: SourceFile, paths: readonly string[]): Finding[] {
  const withoutCode = document.text.replace(/```[\s\S]*?```/g, (block) => block.replace(/[^\n]/g, " "));
  return [...withoutCode.matchAll(/\]\(([^)\s]+)\)/g)].flatMap((match) => {
    const target = (match[1] ?? "").replace(/#.*$/, "");
    if (target === "" || /^[a-z]+:/.test(target)) return [];
    const resolved = posix.join(posix.dirname(document.path), target).replace(/\/$/, "");
    const exists = paths.some((path) => path === resolved || path.startsWith(`${resolved}/`));
    const line = withoutCode.slice(0, match.index).split("\n").length;
    return exists ? [] : [{ path: document.path, line, message: `links to ${target}, which is not there` }];
  });
}

/** Findings for lines that carry a path of one machine or the address of a package registry. */
export function judgeTraces(file: SourceFile): Finding[] {
  return file.text.split("\n").flatMap((text, index) => {
    const line = index + 1;
    if (machinePaths.some((pattern) => pattern.test(text))) {
      return [{ path: file.path, line, message: "carries the path of one machine" }];
    }
    return registryHosts.test(text) ? [{ path: file.path, line, message: "carries a package registry's address" }] : [];
  });
}
