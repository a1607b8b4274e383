// Proves that the tables in SPEC.md and the tables in the code are the same, cell by cell, and that words are told.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  EAR_EVENTS,
  EAR_STATES,
  EAR_TABLE,
  type EarState,
  LINK_EVENTS,
  LINK_STATES,
  LINK_TABLE,
  type LinkState,
  whatToTell,
} from "./state-machines.ts";

const spec = readFileSync(new URL("../SPEC.md", import.meta.url), "utf8");

test("the link's table in SPEC.md is the link's table in the code", () => {
  assert.deepEqual(tableUnder("## 2. The link"), rowsOf(LINK_STATES, LINK_EVENTS, LINK_TABLE));
});

test("the ear's table in SPEC.md is the ear's table in the code", () => {
  assert.deepEqual(tableUnder("## 4. The ear"), rowsOf(EAR_STATES, EAR_EVENTS, EAR_TABLE));
});

test("what a person is told is in SPEC.md, for every pair of states", () => {
  for (const link of LINK_STATES) {
    for (const ear of EAR_STATES) {
      const told = whatToTell(link, ear);
      assert.ok(told === "" || spec.includes(`| ${told} |`), `"${told}"`);
    }
  }
});

test("nothing is told to who hears what is on air", () => {
  const calm: readonly [LinkState, EarState][] = [
    ["following", "playing"],
    ["following", "low"],
    ["following", "holding"],
    ["waiting-retry", "playing"],
    ["connecting", "playing"],
  ];
  for (const [link, ear] of calm) assert.equal(whatToTell(link, ear), "");
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
