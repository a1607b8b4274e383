// Loads a scenario: a built-in one by name, or an operator's own file.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readScenario } from "./read-scenario.ts";
import { BadScenario, type Scenario } from "./scenario.ts";

const BUILT_IN = fileURLToPath(new URL("./built-in/", import.meta.url));
const MAX_BYTES = 256 * 1024;

export async function builtInNames(): Promise<string[]> {
  const names = await readdir(BUILT_IN);
  return names
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.slice(0, -".json".length))
    .sort();
}

/** Throws an Error for the person at the terminal: no such scenario, invalid JSON, or all its mistakes. */
export async function loadScenario(nameOrPath: string): Promise<Scenario> {
  const names = await builtInNames();
  const path = names.includes(nameOrPath) ? join(BUILT_IN, `${nameOrPath}.json`) : nameOrPath;
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined || text.length > MAX_BYTES)
    throw new Error(
      `There is no scenario "${nameOrPath}". Built in are ${new Intl.ListFormat("en").format(names)}; otherwise give the path of a file.`,
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${nameOrPath} is not valid JSON: ${(cause as Error).message}`, { cause });
  }
  try {
    return readScenario(value);
  } catch (cause) {
    if (!(cause instanceof BadScenario)) throw cause;
    throw new Error(`${nameOrPath} is not a valid scenario:\n${cause.message}`, { cause });
  }
}
