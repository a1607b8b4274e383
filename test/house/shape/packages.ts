// Checks packages: exact versions, a lock file without hosts, and every imported package declared by its workspace.

import { isBuiltin } from "node:module";
import { codePattern, type Finding, importsOf, parse } from "../reading/source.ts";
import type { SourceFile } from "../reading/tree.ts";
import { packageName } from "./imports.ts";

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<Record<string, { resolved?: string; link?: boolean; integrity?: string }>>;
}

const exact = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;

/** Findings for dependencies of one package.json that are a range, a tag or an address. */
export function judgeVersions(manifest: SourceFile): Finding[] {
  return dependenciesOf(manifest)
    .filter(([, version]) => !exact.test(version))
    .map(([name, version]) => ({ path: manifest.path, line: 1, message: `${name} is not exact: "${version}"` }));
}

/** Findings for lock entries that name a host, or that have no integrity hash. */
export function judgeLock(lock: SourceFile): Finding[] {
  const { packages } = JSON.parse(lock.text) as Lock;
  return Object.entries(packages).flatMap(([name, { resolved, link, integrity }]) => {
    if (resolved?.includes("://")) return [{ path: lock.path, line: 1, message: `${name} is tied to a host` }];
    const isOurs = !name.includes("node_modules/") || link === true;
    return isOurs || integrity ? [] : [{ path: lock.path, line: 1, message: `${name} has no integrity` }];
  });
}

/** Findings for packages that a file imports and its workspace does not declare. Tests and contract suites may use any. */
export function judgeDeclared(files: readonly SourceFile[], manifests: readonly SourceFile[]): Finding[] {
  const declaredBy = new Map(
    manifests.map((manifest) => [
      manifest.path.replace(/\/?package\.json$/, ""),
      new Set(dependenciesOf(manifest).map(([name]) => name)),
    ]),
  );
  const anywhere = new Set([...declaredBy.values()].flatMap((names) => [...names]));
  return files
    .filter(({ path }) => codePattern.test(path))
    .flatMap((file) => {
      const folder = file.path.split("/")[0] ?? "";
      const own = /\.test\.ts$|\/testing\//.test(file.path) ? anywhere : (declaredBy.get(folder) ?? anywhere);
      return packagesOf(file)
        .filter(({ name }) => name !== `@hustings/${folder}` && !own.has(name))
        .map(({ name, line }) => ({ path: file.path, line, message: `${name} is not declared in package.json` }));
    });
}

function packagesOf(file: SourceFile) {
  return importsOf(parse(file))
    .filter(({ name }) => !name.startsWith(".") && !isBuiltin(name))
    .map(({ name, line }) => ({ name: packageName(name), line }));
}

function dependenciesOf(manifest: SourceFile): [string, string][] {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(manifest.text) as Manifest;
  return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
}
