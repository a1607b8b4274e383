// The forecast in words, for page and terminal; distinguishes what was measured from what was computed.

import { type CadenceForecast, type Forecast, forecast, rowInUse, USABLE_SHARE } from "../judge/forecast.ts";
import { plural } from "../judge/verdict.ts";
import type { DrillRecord } from "../record/drill-record.ts";
import type { Prices } from "../scenario/drill-options.ts";
import { escapeHtml } from "./svg-chart.ts";

export function forecastHtml(record: DrillRecord, prices: Prices): string {
  const result = forecast(record, prices);
  const people = result.audience.toLocaleString("en");
  const facts = factsOf(result, prices).map(
    ([name, value]) => `<tr><td>${escapeHtml(name)}</td><td class="n">${escapeHtml(value)}</td></tr>`,
  );
  const heads = ["lag", "this machine serves", "edges", "cores", "cost"];
  return `<h2>What this machine can serve, and what ${people} listeners need</h2>
<p>${escapeHtml(howOf(record, result))}</p>
<table class="stacks"><thead><tr><th>cadence</th>${heads.map((head) => `<th class="n">${head}</th>`).join("")}</tr></thead>
<tbody>${result.rows.map((row) => rowHtml(row, heads)).join("")}</tbody></table>
<p class="after">At every cadence, for ${people} listeners:</p>
<table>${facts.join("")}</table>`;
}

export function forecastSentence(record: DrillRecord, prices: Prices): string {
  const result = forecast(record, prices);
  const slowest = result.rows.at(-1) as CadenceForecast;
  const rows = [...new Set([rowInUse(result, record), slowest])];
  const holds = rows.flatMap((row) =>
    row.holds === undefined ? [] : [`${thousands(row.holds)} at ${seconds(row.cadenceMs)} (${kindOf(row)})`],
  );
  const needs = rows.map(
    ({ cadenceMs, need }) =>
      `${plural(need.edges, "edge", "edges")} and ${need.cores.toFixed(1)} cores at ${seconds(cadenceMs)}`,
  );
  const { gigabitsPerSecond } = slowest.need;
  const held =
    holds.length === 0
      ? ""
      : `This machine, given to edges and ${USABLE_SHARE * 100} % used, can serve ${holds.join(", ")}. `;
  return `${held}${result.audience.toLocaleString("en")} listeners need ${needs.join(", ")}, ${gigabitsPerSecond.toFixed(1)} Gb/s, and $${whole(slowest.need.cost)} for ${hours(prices)}.`;
}

function rowHtml(row: CadenceForecast, heads: readonly string[]): string {
  const { need, holds, limit } = row;
  const cells = [
    seconds(row.behindMs),
    holds === undefined ? "–" : `${thousands(holds)}${limit === "memory" ? " (memory)" : ""}`,
    whole(need.edges),
    need.cores.toFixed(1),
    `$${whole(need.cost)}`,
  ];
  const numbers = cells.map(
    (text, i) => `<td class="n${text === "–" ? " none" : ""}" data-is="${heads[i]}">${escapeHtml(text)}</td>`,
  );
  const name = `${seconds(row.cadenceMs)}, ${row.isMeasured ? "<b>measured</b>" : "computed"}`;
  return `<tr><td>${name}</td>${numbers.join("")}</tr>`;
}

function howOf(record: DrillRecord, result: Forecast): string {
  const { per, scale } = result;
  const measured = result.rows.find(({ isMeasured }) => isMeasured);
  const people = `${whole(per.people)} listeners at the peak of this drill`;
  const model = "the edges' own model of what a listener costs (docs/decisions/0009-cadence.md)";
  if (scale === undefined) {
    const why = record.setting.isOwnServer
      ? "there were too few listeners to measure their cost"
      : "the processors could not be observed";
    return `Computed: every row, by ${model}, unscaled, because ${why}. Bytes are measured with ${people}. At most ${USABLE_SHARE * 100} % of a machine is used.`;
  }
  const times = `${scale.toFixed(2)} times`;
  const what = measured
    ? `Measured: the row of ${seconds(measured.cadenceMs)}, with ${people}: ${(measured.coreShare * 1e6).toFixed(1)} µs of processor time a second for each, ${times} what ${model} expects. Computed: the other rows, by that model times the same factor, with the same bytes and memory.`
    : `Computed: every row. The ${people} had several cadences and cost ${times} what ${model} expects; the rows are that model times the same factor.`;
  const { machine } = record;
  return `${what} A machine like this one (${machine.cores} cores, ${machine.memoryGib} GiB) is given to edges, and ${USABLE_SHARE * 100} % of it is used.`;
}

function factsOf({ per, rows }: Forecast, prices: Prices): [string, string][] {
  const { need } = rows.at(-1) as CadenceForecast;
  const unseen = "not visible from here";
  const each =
    per.edgeBytes === undefined ? unseen : `${((per.edgeBytes + (per.kernelBytes ?? 0)) / 1024).toFixed(1)} KiB`;
  return [
    ["sent to each listener, measured", `${(per.bitsPerSecond / 1000).toFixed(1)} kb/s`],
    ["outgoing traffic", `${need.gigabitsPerSecond.toFixed(1)} Gb/s`],
    [`in ${hours(prices)}`, `${whole(need.gigabytes)} GB`],
    ["memory for each listener, edge and kernel", each],
    ["memory in total", need.memoryGib === undefined ? unseen : `${need.memoryGib.toFixed(1)} GiB`],
  ];
}

function kindOf({ isMeasured }: CadenceForecast): string {
  return isMeasured ? "measured" : "computed";
}

function hours({ hours: all }: Prices): string {
  return all === 1 ? "an hour" : `${all} hours`;
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}

function thousands(value: number): string {
  return whole(value >= 10_000 ? Math.round(value / 1_000) * 1_000 : value);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}
