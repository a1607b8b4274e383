// Finds state that belongs to a module rather than to an object that somebody owns and can dispose. Pure.

import ts from "typescript";
import { type Finding, lineOf, parse } from "../reading/source.ts";
import type { SourceFile } from "../reading/tree.ts";

/** A value that a module may keep, and why no owner could keep it. */
export interface StateExcuse {
  readonly path: string;
  readonly name: string;
  readonly reason: string;
}

const emptyCollection = /^(?:new (?:Map|Set|WeakMap|WeakSet)(?:<.*>)?\(\)|\[\])$/s;

/**
 * A finding for each module-level `let`, and each `const` that begins as an empty Map, Set or array, which is there to
 * be filled. Tests are left out, and so are instance scripts of Svelte components: those run once per component.
 */
export function judgeModuleState(file: SourceFile): Finding[] {
  if (file.path.endsWith(".svelte") || file.path.startsWith("test/") || /\.test\.ts$/.test(file.path)) return [];
  return parse(file).statements.flatMap((statement) => {
    if (!ts.isVariableStatement(statement)) return [];
    const { declarations, flags } = statement.declarationList;
    return declarations
      .filter((declaration) => (flags & ts.NodeFlags.Const) === 0 || isFilledLater(declaration))
      .map((declaration) => ({
        path: file.path,
        line: lineOf(declaration),
        message: `"${declaration.name.getText()}" is state of the module: give it an owner`,
      }));
  });
}

/** The findings that no excuse covers, and one for each excuse that covers none. */
export function withoutExcused(findings: readonly Finding[], excuses: readonly StateExcuse[]): Finding[] {
  const covers = ({ path, name }: StateExcuse, finding: Finding) =>
    path === finding.path && finding.message.startsWith(`"${name}"`);
  return [
    ...findings.filter((finding) => !excuses.some((excuse) => covers(excuse, finding))),
    ...excuses
      .filter((excuse) => !findings.some((finding) => covers(excuse, finding)))
      .map(({ path, name }) => ({ path, line: 1, message: `the excuse for "${name}" is not needed any more` })),
  ];
}

function isFilledLater({ initializer, type }: ts.VariableDeclaration): boolean {
  const isReadonly = type !== undefined && /^(?:readonly |Readonly)/.test(type.getText());
  return !isReadonly && initializer !== undefined && emptyCollection.test(initializer.getText());
}
