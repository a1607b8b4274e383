// Owns the documents that are made from tables: what each must say. Pure; generate.ts writes them, a test compares.

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

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
