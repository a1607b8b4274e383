import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { LINK_EVENTS, LINK_STATES, LINK_TABLE } from "../session/link-states.ts";
import { EAR_EVENTS, EAR_STATES, EAR_TABLE } from "./ear-states.ts";

const spec = readFileSync(new URL("../SPEC.md", import.meta.url), "utf8");

test("SPEC.md has the same table of the link as the code", () => {
  assert.deepEqual(tableUnder("## 2. The link"), rowsOf(LINK_STATES, LINK_EVENTS, LINK_TABLE));
});

test("SPEC.md has the same table of the ear as the code", () => {
  assert.deepEqual(tableUnder("## 4. The ear"), rowsOf(EAR_STATES, EAR_EVENTS, EAR_TABLE));
});

function rowsOf(
  states: readonly string[],
  events: readonly string[],
  table: Readonly<Record<string, Readonly<Record<string, string>>>>,
): string[][] {
  const rows = states.map((state) => [
    `**${state}**`,
    ...events.map((event) => (table[state]?.[event] === state ? "·" : (table[state]?.[event] ?? "blank"))),
  ]);
  return [["", ...events], ...rows];
}

function tableUnder(heading: string): string[][] {
  const section = spec.split(heading)[1]?.split("\n## ")[0] ?? "";
  const lines = section.split("\n").filter((line) => line.startsWith("|") && !line.startsWith("|---"));
  return lines.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
