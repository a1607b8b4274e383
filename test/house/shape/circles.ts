// Finds files that import each other in a circle, by whatever kind of import, type-only ones included. Pure.

import { posix } from "node:path";
import { type Finding, importsOf, parse } from "../reading/source.ts";
import type { SourceFile } from "../reading/tree.ts";

type Graph = ReadonlyMap<string, readonly string[]>;

/** A finding for each circle, at its first file; it names all files of the circle. A file that imports itself is one. */
export function judgeCircles(files: readonly SourceFile[]): Finding[] {
  return circlesOf(importGraph(files)).map((circle) => ({
    path: circle[0] ?? "",
    line: 1,
    message: `is in a circle of imports: ${circle.join(", ")}`,
  }));
}

function importGraph(files: readonly SourceFile[]): Graph {
  const paths = new Set(files.map(({ path }) => path));
  return new Map(
    files.map((file) => [
      file.path,
      importsOf(parse(file)).flatMap(({ name }) => {
        const target = targetOf(file.path, name);
        return target !== undefined && paths.has(target) ? [target] : [];
      }),
    ]),
  );
}

function targetOf(importer: string, specifier: string): string | undefined {
  const bare = specifier.replace(/[?#].*$/, "");
  if (bare.startsWith(".")) return posix.join(posix.dirname(importer), bare);
  if (!bare.startsWith("@hustings/")) return undefined;
  return bare.slice("@hustings/".length).replace(/^server\//, "server/src/");
}

/** The circles of `graph` (strongly connected components, by Tarjan's algorithm), each sorted. */
function circlesOf(graph: Graph): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const circles: string[][] = [];
  const visit = (path: string): void => {
    order.set(path, order.size);
    lowest.set(path, order.size - 1);
    open.push(path);
    for (const target of graph.get(path) ?? []) {
      if (!order.has(target)) visit(target);
      if (open.includes(target)) lowest.set(path, Math.min(lowest.get(path) ?? 0, lowest.get(target) ?? 0));
    }
    if (lowest.get(path) !== order.get(path)) return;
    const members = open.splice(open.indexOf(path));
    if (members.length > 1 || graph.get(path)?.includes(path)) circles.push(members.sort());
  };
  for (const path of graph.keys()) if (!order.has(path)) visit(path);
  return circles;
}
