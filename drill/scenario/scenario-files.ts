// Owns finding a scenario: those that are built in, by name, and files of an operator's own. Refuses to know what is in one.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BadScenario, readScenario, type Scenario } from "./scenario.ts";

const BUILT_IN = fileURLToPath(new URL("./built-in/", import.meta.url));
const MAX_BYTES = 256 * 1024;

export async function builtInNames(): Promise<string[]> {
  const names = await readdir(BUILT_IN);
  return names
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.slice(0, -".json".length))
    .sort();
}

/** Throws an Error that a person can read: no such scenario, not JSON, or all that is wrong with it. */
export async function loadScenario(nameOrPath: string): Promise<Scenario> {
  const names = await builtInNames();
  const path = names.includes(nameOrPath) ? join(BUILT_IN, `${nameOrPath}.json`) : nameOrPath;
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined || text.length > MAX_BYTES)
    throw new Error(
      `There is no scenario "${nameOrPath}": built in are ${new Intl.ListFormat("en").format(names)}; else give a file.`,
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${nameOrPath} is not JSON: ${(cause as Error).message}`, { cause });
  }
  try {
    return readScenario(value);
  } catch (cause) {
    if (!(cause instanceof BadScenario)) throw cause;
    throw new Error(`${nameOrPath} is no scenario:\n${cause.message}`, { cause });
  }
}
