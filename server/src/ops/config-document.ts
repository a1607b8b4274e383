// Owns what docs/config.md says: the table of settings, for people. Pure.

import { environmentNameOf, type Setting } from "./config.ts";

/** docs/config.md, from the table of config.ts in its own order. */
export function configDocument(settings: Readonly<Record<string, Setting<unknown>>>): string {
  const rows = Object.values(settings).map((setting) => {
    const { flag, kind, unit, fallback, reason } = setting;
    const allowed = unit === "" ? kind.allowed : `${kind.allowed} (${unit})`;
    return row([`\`--${flag}\``, `\`${environmentNameOf(setting)}\``, fallback ?? "", allowed, reason]);
  });
  return [
    "# Settings",
    "",
    "Every setting of `hustings serve`, made from the table in `server/src/ops/config.ts` by `npm run docs`. A flag outranks",
    "its environment variable, which outranks the default. All bad settings are named at once, and nothing starts. Give",
    "secrets by the environment: flags can be read in the list of processes.",
    "",
    row(["Flag", "Environment", "Default", "Allowed", "What for"]),
    row(["---", "---", "---", "---", "---"]),
    ...rows,
    "",
  ].join("\n");
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
