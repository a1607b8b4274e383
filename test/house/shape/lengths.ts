// Limits the lengths of files and functions. The aim (200 and 25 lines) is only reported. Pure.

import { type Finding, functionsOf, parse } from "../reading/source.ts";
import type { SourceFile } from "../reading/tree.ts";

export const fileLinesMax = 400;
export const functionLinesMax = 60;
export const fileLinesAim = 200;
export const functionLinesAim = 25;

/** A file, or with `name` one of its functions, that may have up to `lines` lines. */
export interface Excuse {
  readonly path: string;
  readonly name?: string;
  readonly lines: number;
  readonly reason: string;
}

/** A file, or with `name` one of its functions, and its length. */
export interface Length {
  readonly path: string;
  readonly name?: string;
  readonly line: number;
  readonly lines: number;
}

/** The length of the file and of each of its functions. */
export function lengthsOf(file: SourceFile): Length[] {
  const lines = file.text.replace(/\n$/, "").split("\n").length;
  const functions = functionsOf(parse(file)).map((span) => ({ path: file.path, ...span }));
  return [{ path: file.path, line: 1, lines }, ...functions];
}

/** Findings for lengths past their limit, and for excuses that nothing needs any more. */
export function judgeLengths(lengths: readonly Length[], excuses: readonly Excuse[]): Finding[] {
  const tooLong = lengths.filter((length) => length.lines > maxOf(length));
  const findings = tooLong.flatMap((length) => {
    const max = excuses.find((excuse) => isAbout(excuse, length))?.lines ?? maxOf(length);
    if (length.lines <= max) return [];
    const what = length.name === undefined ? "the file" : `the function ${length.name}`;
    return [{ path: length.path, line: length.line, message: `${what} has ${length.lines} lines, more than ${max}` }];
  });
  const idle = excuses.filter((excuse) => !tooLong.some((length) => isAbout(excuse, length)));
  return [...findings, ...idle.map(({ path, name }) => ({ path, line: 1, message: idleMessage(name) }))];
}

/** The lengths past the aim, the worst first. */
export function pastAim(lengths: readonly Length[]): Length[] {
  const past = lengths.filter(({ name, lines }) => lines > (name === undefined ? fileLinesAim : functionLinesAim));
  return past.sort((a, b) => b.lines / maxOf(b) - a.lines / maxOf(a));
}

function maxOf({ name }: Length): number {
  return name === undefined ? fileLinesMax : functionLinesMax;
}

function isAbout(excuse: Excuse, length: Length): boolean {
  return excuse.path === length.path && excuse.name === length.name;
}

function idleMessage(name: string | undefined): string {
  return `the excuse for ${name ?? "the file"} in test/house/shape/excuses.ts is not needed any more`;
}
