// Reads a server's settings (server/src/ops/config.ts) from arguments and environment.

import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { BadConfig, type Config, readConfig, SETTINGS } from "@hustings/server/ops/config.ts";

export interface CommandSettings {
  /** Paths are absolute. */
  readonly config: Config;
  readonly switches: ReadonlySet<string>;
}

/** Throws BadConfig with all mistakes. */
export function readSettings(args: readonly string[], switches: readonly string[] = []): CommandSettings {
  const options = Object.fromEntries([
    ...Object.values(SETTINGS).map(({ flag }) => [flag, { type: "string" as const }]),
    ...switches.map((name) => [name, { type: "boolean" as const }]),
  ]);
  const { values, positionals } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true });
  const faults = positionals.map((text) => `"${text}" belongs to no option.`);
  const on = switches.filter((name) => values[name] === true);
  const flags: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    if (switches.includes(name)) continue;
    if (typeof value === "string") flags[name] = value;
    else if (name in options) faults.push(`--${name} needs a value.`);
    else flags[name] = "";
  }
  return { config: readAll(flags, faults), switches: new Set(on) };
}

function readAll(flags: Readonly<Record<string, string>>, faults: readonly string[]): Config {
  const machine = { coresCount: availableParallelism() };
  let config: Config | undefined;
  const all = [...faults];
  try {
    config = readConfig(flags, process.env, machine);
  } catch (error) {
    if (!(error instanceof BadConfig)) throw error;
    all.push(...error.faults);
  }
  if (config === undefined || all.length > 0) throw new BadConfig(all);
  return withAbsolutePaths(config);
}

function withAbsolutePaths(config: Config): Config {
  const { dataDirectory, tlsCert, tlsKey } = config;
  return {
    ...config,
    dataDirectory: resolve(dataDirectory),
    ...(tlsCert === undefined ? {} : { tlsCert: resolve(tlsCert) }),
    ...(tlsKey === undefined ? {} : { tlsKey: resolve(tlsKey) }),
  };
}

export function settingsHelp(): string {
  const rows = Object.values(SETTINGS).map(({ flag, fallback, unit, reason }) => {
    const usual =
      fallback === undefined ? "" : ` [${fallback}${unit === "" || unit.endsWith("port") ? "" : ` ${unit}`}]`;
    return `  --${flag.padEnd(20)} ${reason}${usual}`;
  });
  return rows.join("\n");
}
