// Bans names of files and folders that say nothing, and declared names that the glossary replaces. Pure.

import { declaredNames, type Finding, type Named, parse } from "../reading/source.ts";
import type { SourceFile } from "../reading/tree.ts";

// Names that say nothing about the content.
const emptyNames = new Set(
  ["util", "helper", "common", "manager", "service", "handler", "data", "info", "misc"].flatMap((name) => [
    name,
    `${name}s`,
  ]),
);
// As the last word these say no more ("seat-manager"); "data" and "info" may end a standard term.
const emptyEndings = new Set(["util", "utils", "helper", "helpers", "manager", "service", "handler", "misc"]);

interface Ban {
  /** Consecutive words of a declared name, lower case, joined by a space. */
  readonly words: RegExp;
  readonly instead: string;
}

// docs/glossary.md has the terms. A ban is narrow where the word is a standard term of another field.
const bans: readonly Ban[] = [
  { words: /\brooms\b/, instead: "spaces" },
  { words: /\b(?:join|leave|create|open|close|end|enter|find) room\b/, instead: "space" },
  { words: /\broom (?:id|ids|key|name|title|state|list|store)\b/, instead: "space" },
  { words: /\bchunks?\b/, instead: "packet, fragment, part or bytes" },
  { words: /\bepoch\b/, instead: "term" },
  { words: /\bviewers?\b/, instead: "listener" },
  { words: /\busers?\b/, instead: "person, host, speaker or listener" },
  { words: /\bquality\b/, instead: "rendition" },
  { words: /\brelays?\b/, instead: "edge" },
  { words: /\blive edge\b/, instead: "head" },
  { words: /\bglass\b/, instead: "mouth to ear" },
];
// ISO/IEC 14496-12 counts chunks, clocks have epochs, browsers have user agents and TURN has relays.
const standardTerms = [
  /\b(?:sample to chunk|chunk offsets?|encoded audio chunk)\b/,
  /\b(?:unix|ntp) epoch\b/,
  /\buser (?:agent|activation|gesture|media)\b/,
  /\brelay (?:candidates?|only)\b/,
];

/** Findings for files and folders with empty names. */
export function judgePaths(paths: readonly string[]): Finding[] {
  return paths.flatMap((path) => {
    const bad = path.split("/").find((part) => isEmptyName(part));
    return bad === undefined ? [] : [{ path, line: 1, message: `"${bad}" says nothing of what is inside` }];
  });
}

/** Findings for declared names that use a banned term. */
export function judgeNames(file: SourceFile): Finding[] {
  return declaredNames(parse(file)).flatMap((named) => judgeName(file.path, named));
}

function judgeName(path: string, { name, line }: Named): Finding[] {
  const all = wordsOf(name).join(" ");
  const words = standardTerms.reduce((rest, term) => rest.replace(term, ""), all);
  const ban = bans.find((candidate) => candidate.words.test(words));
  if (ban !== undefined) return [{ path, line, message: `"${name}" is called ${ban.instead} here` }];
  const isEmptyType = /^[A-Z]/.test(name) && emptyEndings.has(wordsOf(name).at(-1) ?? "");
  return isEmptyType ? [{ path, line, message: `"${name}" says nothing of what it does` }] : [];
}

function isEmptyName(part: string): boolean {
  const stem = part.replace(/^\.+/, "").replace(/\..*$/, "");
  const words = wordsOf(stem);
  return emptyNames.has(words.join("-")) || (words.length > 1 && emptyEndings.has(words.at(-1) ?? ""));
}

function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "")
    .map((word) => word.toLowerCase());
}
