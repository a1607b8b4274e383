// The page of a drill's report: one HTML file without scripts or outside resources.

import { isRehearsal, judge, peakListeners, plural, runDescription, shortDuration } from "../judge/verdict.ts";
import type { DrillRecord, FaultRecord } from "../record/drill-record.ts";
import { quantileMs } from "../record/histogram.ts";
import type { Prices } from "../scenario/drill-options.ts";
import { chartsOf, mainChart } from "./report-charts.ts";
import { forecastHtml } from "./report-forecast.ts";
import { REPORT_STYLE } from "./report-style.ts";
import { drawChart, escapeHtml, timeOf } from "./svg-chart.ts";

export function reportHtml(record: DrillRecord, prices: Prices): string {
  const title = `${record.scenario.name}: a drill`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<p class="what"><b>${escapeHtml(record.scenario.name)}</b> · ${escapeHtml(runDescription(record))}</p>
${openingOf(record)}
${drawChart(mainChart(record))}
${numbersOf(record)}
${faultsOf(record)}
<h2>Details</h2>
<p>The same minutes. Dotted lines are the faults above.</p>
<div class="charts">
${chartsOf(record).map(drawChart).join("\n")}
</div>
${forecastHtml(record, prices)}
${footerOf(record, prices)}
</body>
</html>
`;
}

function openingOf(record: DrillRecord): string {
  const { passed, failures, remarks } = judge(record);
  const people = peakListeners(record).toLocaleString("en");
  const { counts } = record.final;
  const good = `${plural(counts.firstSounds, "listener", "listeners")} joined, and each of the ${counts.checkedSlots.toLocaleString("en")} slots sent to them was checked: none missing, in order, byte for byte. ${passedWith(record)}`;
  const lead = passed ? good : `${people} listened at once. ${failures.join(" ")}`;
  const more = remarks.length === 0 ? "" : `<p>${escapeHtml(remarks.join(" "))}</p>`;
  return `<h1${passed ? "" : ' class="bad"'}>${passed ? `${people} listened. Nobody missed a word.` : "The drill did not pass."}</h1>
<p class="lead">${escapeHtml(lead)}</p>
${more}${isRehearsal(record) ? `<p class="rehearsal"><b>A rehearsal, not a GO.</b> ${escapeHtml(whyRehearsal(record))}</p>` : ""}`;
}

function passedWith({ final: { counts } }: DrillRecord): string {
  return counts.gaps === 0
    ? "No gap, no cut, no failed join."
    : `${plural(counts.gaps, "gap", "gaps")}, within what the scenario allows; no cut, no failed join.`;
}

function whyRehearsal({ setting }: DrillRecord): string {
  return setting.generatorsHere && setting.isOwnServer
    ? "Server and listeners shared one machine, over loopback. This shows that nothing breaks and what a listener costs. It says nothing about a network, and is never a GO for a deployment. For that, use --target with agents on other machines."
    : "The drill started the server. To drill a deployment, use --target.";
}

function numbersOf(record: DrillRecord): string {
  const { counts, firstSoundMs, gapLengthMs } = record.final;
  const mutes = record.mutesMs.toSorted((a, b) => a - b);
  const joins = Math.max(0, ...record.samples.map(({ joinsPerSecond }) => joinsPerSecond));
  const p = (share: number): string => milliseconds(quantileMs(firstSoundMs, share));
  const slowestMute = mutes.at(-1);
  const rows: [string, string, string][] = [
    [
      "gaps",
      whole(counts.gaps),
      counts.gaps === 0 ? "no listener waited for a word" : `longest ${milliseconds(quantileMs(gapLengthMs, 1))}`,
    ],
    ["cuts", whole(counts.cuts), "15 s without sound"],
    ["failed joins", whole(counts.failedJoins), `of ${whole(counts.joins)}`],
    ["first sound", p(0.95), `p95 from the tap; p50 ${p(0.5)}, p99 ${p(0.99)}`],
    ["joins in a second", whole(joins), "in the busiest second"],
    ["mute", slowestMute === undefined ? "–" : milliseconds(slowestMute), `slowest of ${mutes.length}`],
    ["stage tick", record.tick ? `${record.tick.p999.toFixed(1)} ms` : "–", tickNote(record)],
    ["sent", `${(counts.bytes * 1e-9).toFixed(1)} GB`, `in ${whole(counts.frames)} pushes`],
  ];
  if (counts.homeRequests > 0) rows.push(homeRow(record));
  if (counts.awayMs > 0)
    rows.push([
      "stage away",
      milliseconds(counts.awayMs / counts.firstSounds),
      "of filler for each listener, counted separately",
    ]);
  const cells = rows.map(
    ([name, value, note]) =>
      `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}<small>${escapeHtml(note)}</small></dd></div>`,
  );
  return `<dl class="numbers">${cells.join("")}</dl>`;
}

function homeRow({ final: { counts, homeMs } }: DrillRecord): [string, string, string] {
  const note = `p99 after leaving; p50 ${shortDuration(quantileMs(homeMs, 0.5))}; ${whole(counts.homePages)} of ${whole(counts.homeRequests)} got it`;
  return ["home page", shortDuration(quantileMs(homeMs, 0.99)), note];
}

function tickNote({ bareTick }: DrillRecord): string {
  const late = "late, p99.9 of the worst minutes";
  return bareTick === undefined ? late : `${late}; bare timer ${bareTick.p999.toFixed(1)} ms`;
}

const FAULT_TITLES: Readonly<Record<string, string>> = {
  "drop-host": "The host lost the connection",
  "drop-moderator": "The moderator lost the connection",
  "kill-edge": "An edge process was killed",
  "kill-stage": "The stage process was killed and restarted",
  "kill-api": "The api process was killed",
  "stall-readers": "Listeners stopped reading",
};

function faultsOf(record: DrillRecord): string {
  if (record.faults.length === 0) return "";
  const rows = record.faults.map((fault, i) => faultRow(record, fault, i + 1));
  return `<h2>Faults</h2>
<p>How many listeners lost the connection, how soon they had sound again, and how much silence they heard.</p>
<table class="stacks"><thead><tr><th>fault</th><th class="n">at</th><th class="n">listening</th><th class="n">disconnected</th><th class="n">recovered</th><th class="n">recovery, p95 / slowest</th><th class="n">silence, p95 / p99 / longest</th></tr></thead>
<tbody>${rows.join("")}</tbody></table>`;
}

function faultRow({ final: { counts } }: DrillRecord, fault: FaultRecord, no: number): string {
  const how = fault.forSeconds > 0 ? `, for ${fault.forSeconds} s` : "";
  const share = fault.kind === "stall-readers" ? ` (${Math.round(fault.share * 100)} %, counted separately)` : "";
  const title = `${FAULT_TITLES[fault.kind] ?? fault.kind}${how}${share}`;
  const name = `<span class="no">${no}</span>${escapeHtml(title)}`;
  const at = timeOf(fault.atSeconds);
  if (!fault.isInjected)
    return `<tr><td>${name}</td><td class="n" data-is="at">${at}</td><td colspan="5">not possible on this deployment</td></tr>`;
  const cells: [string, string][] = [
    ["at", at],
    ["listening", whole(fault.people)],
    [
      "disconnected",
      fault.kind === "stall-readers"
        ? `${whole(counts.stalledClosed)} closed of ${whole(counts.stalled)}`
        : whole(fault.disconnected),
    ],
    ["recovered", fault.disconnected === 0 ? "–" : whole(fault.recovered)],
    [
      "recovery, p95 / slowest",
      fault.disconnected === 0 ? "–" : `${secondsOf(fault.recoveryP95Ms)} / ${secondsOf(fault.recoveryMaxMs)}`,
    ],
    [
      "silence, p95 / p99 / longest",
      fault.disconnected === 0
        ? "none"
        : `${secondsOf(fault.gapP95Ms)} / ${secondsOf(fault.gapP99Ms)} / ${secondsOf(fault.gapMaxMs)}`,
    ],
  ];
  return `<tr><td>${name}</td>${cells.map(([is, text]) => `<td class="n${text === "–" ? " none" : ""}" data-is="${is}">${escapeHtml(text)}</td>`).join("")}</tr>`;
}

function footerOf(record: DrillRecord, prices: Prices): string {
  const { machine, setting, scenario, browsers, startedUtcMs } = record;
  const when = new Date(startedUtcMs).toISOString().slice(0, 16).replace("T", " ");
  const real = browsers
    ? ` ${browsers.pages} Chromium pages listened as well: ${browsers.gaps} gaps, ${browsers.stalls} stalls, ${secondsOf(browsers.mouthToEarP50Ms)} behind the microphone; they ${browsers.agree ? "agree" : "disagree"} with the playback model.`
    : "";
  const lines = [
    `${scenario.about}`,
    `Held ${when} UTC with Hustings ${record.version} on ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.kernel}, Node ${machine.node}; ${setting.edges || "unknown"} edges, ${plural(setting.generators, "generator", "generators")}${setting.agents > 0 ? ` on ${plural(setting.agents, "machine", "machines")}` : ""}; ${setting.target}.${real}`,
    "Gap: a listener's playhead reaches a slot that has not come, by the player's own buffer policy and the times at which slots really came. Cut: 15 seconds without sound. Every connection is a real socket. Checked slot: its bytes equal those of a fragment whose checksum was verified.",
    `Prices: $${prices.perGigabyte} for a gigabyte, $${prices.perCoreHour} for an hour of a core. These are assumptions: give your own with --price-gb and --price-core-hour.`,
  ];
  return `<footer>${lines.map((line) => `<p>${escapeHtml(line)}</p>`).join("\n")}</footer>`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function milliseconds(ms: number | undefined): string {
  if (ms === undefined) return "–";
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function secondsOf(ms: number | undefined): string {
  return ms === undefined ? "–" : `${(ms / 1000).toFixed(1)} s`;
}
