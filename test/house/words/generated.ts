// Makes the text of the documents that come from tables. Pure; generate.ts writes them, and tests compare them.

import { environmentNameOf, type Setting } from "@hustings/server/ops/config.ts";

interface ErrorRow {
  readonly status: number;
  readonly closeCode?: number;
  readonly what: string;
  readonly todo: string;
}

/** docs/errors.md, from the error table of wire/errors.ts in its own order. */
export function errorsDocument(table: Readonly<Record<string, ErrorRow>>): string {
  const rows = Object.entries(table).map(([code, { status, closeCode, what, todo }]) =>
    row([`\`${code}\``, String(status), closeCode === undefined ? "" : String(closeCode), what, todo]),
  );
  return [
    "# Errors",
    "",
    "Every error that a peer can see, made from the table in `wire/errors.ts` by `npm run docs`. An answer over HTTP",
    'has the status and the body `{"error": code, "message": …, "todo": …}`; a listener\'s WebSocket closes with the',
    "close code.",
    "",
    row(["Code", "Status", "Close code", "What happened", "What to do"]),
    row(["---", "---", "---", "---", "---"]),
    ...rows,
    "",
  ].join("\n");
}

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
