// Owns how long a file and a function may be, and who is excused. Pure. The aim (200 and 25 lines) is only reported.

import { type Finding, functionsOf, parse } from "../reading/source.ts";
import type { SourceFile } from "../reading/tree.ts";

export const fileLinesMax = 400;
export const functionLinesMax = 60;
export const fileLinesAim = 200;
export const functionLinesAim = 25;

/** One thing that may be longer, up to `lines`, and why. Without `name` it is the file itself. */
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

/** Findings for what is too long and not excused, and for excuses that nothing needs any more. */
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

/** How many of the lengths are past the aim, and the longest of those first. */
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
