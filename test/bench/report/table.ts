// Formats figures as a Markdown table. Pure.

import { type Figure, isWithin } from "./figures.ts";
import { shortNumber } from "./statistics.ts";

const HEAD = "| what | measured | runs | budget | |\n|---|---|---|---|---|";

export function tableOf(figures: readonly Figure[]): string {
  return [HEAD, ...figures.map(rowOf)].join("\n");
}

function rowOf(figure: Figure): string {
  const { what, value, unit, note } = figure;
  const words = note === undefined ? what : `${what} (${note})`;
  const verdict = isWithin(figure);
  const judged = verdict === undefined ? "" : verdict ? "within" : "**over**";
  return `| ${words} | ${[shortNumber(value), unit].join(" ").trim()} | ${runsOf(figure)} | ${budgetOf(figure)} | ${judged} |`;
}

function runsOf({ spread }: Figure): string {
  if (spread === undefined || typeof spread === "string") return spread ?? "";
  if (spread.length < 2) return "1 run";
  return `${shortNumber(Math.min(...spread))} to ${shortNumber(Math.max(...spread))}, ${spread.length} runs`;
}

function budgetOf({ atMost, atLeast, unit }: Figure): string {
  const bound = atMost ?? atLeast;
  if (bound === undefined) return "";
  return `${atMost === undefined ? "≥" : "≤"} ${String(bound)} ${unit}`.trim();
}
