// Owns the page that a drill leaves: what it was, how it went, what was done to it, what it says of larger evenings. One
// file without scripts or anything from elsewhere. Pure. Refuses to measure, and to judge.

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
<h2>Underneath</h2>
<p>The same minutes, from other sides. Dotted lines are the faults above.</p>
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
  const good = `${plural(counts.firstSounds, "person", "people")} came, and each of the ${counts.checkedSlots.toLocaleString("en")} slots that they were sent was checked: every one there, in order, byte for byte. ${passedWith(record)}`;
  const lead = passed ? good : `${people} listened at once. ${failures.join(" ")}`;
  const more = remarks.length === 0 ? "" : `<p>${escapeHtml(remarks.join(" "))}</p>`;
  return `<h1${passed ? "" : ' class="bad"'}>${passed ? `${people} listened. Nobody missed a word.` : "It did not hold."}</h1>
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
    ? "Server and listeners shared this one machine, over loopback. It shows that nothing breaks and what a listener costs; it says nothing of a network, and is never a GO for a deployment. For that: --target, with agents elsewhere."
    : "The server was one of the drill's own. For a deployment: --target.";
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
      counts.gaps === 0 ? "nobody waited for a word" : `the longest ${milliseconds(quantileMs(gapLengthMs, 1))}`,
    ],
    ["cuts", whole(counts.cuts), "15 s without sound"],
    ["failed joins", whole(counts.failedJoins), `of ${whole(counts.joins)}`],
    ["first sound", p(0.95), `p95 from the tap; p50 ${p(0.5)}, p99 ${p(0.99)}`],
    ["joins in a second", whole(joins), "at the height of the rush"],
    ["mute", slowestMute === undefined ? "–" : milliseconds(slowestMute), `the slowest of ${mutes.length}`],
    ["stage tick", record.tick ? `${record.tick.p999.toFixed(1)} ms` : "–", tickNote(record)],
    ["sent", `${(counts.bytes * 1e-9).toFixed(1)} GB`, `in ${whole(counts.frames)} pushes`],
  ];
  if (counts.homeRequests > 0) rows.push(homeRow(record));
  if (counts.awayMs > 0)
    rows.push([
      "stage away",
      milliseconds(counts.awayMs / counts.firstSounds),
      "of filler for each of them, counted apart",
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
  const late = "late, p99.9 of its worst minutes";
  return bareTick === undefined ? late : `${late}; a bare timer beside it ${bareTick.p999.toFixed(1)} ms`;
}

const WHAT_WAS_DONE: Readonly<Record<string, string>> = {
  "drop-host": "The host dropped without a word",
  "drop-moderator": "The moderator dropped without a word",
  "kill-edge": "An edge process was killed",
  "kill-stage": "The stage process was killed, and came back",
  "kill-api": "The api process was killed",
  "stall-readers": "Readers stood still",
};

function faultsOf(record: DrillRecord): string {
  if (record.faults.length === 0) return "";
  const rows = record.faults.map((fault, i) => faultRow(record, fault, i + 1));
  return `<h2>What was done to it</h2>
<p>Who lost the connection, how soon they had sound on another, and how much silence they heard meanwhile.</p>
<table class="stacks"><thead><tr><th>fault</th><th class="n">at</th><th class="n">listening</th><th class="n">cut off</th><th class="n">back</th><th class="n">back within, p95 / all</th><th class="n">silence, p95 / p99 / most</th></tr></thead>
<tbody>${rows.join("")}</tbody></table>`;
}

function faultRow({ final: { counts } }: DrillRecord, fault: FaultRecord, no: number): string {
  const how = fault.forSeconds > 0 ? `, for ${fault.forSeconds} s` : "";
  const who = fault.kind === "stall-readers" ? ` (${Math.round(fault.share * 100)} %, counted apart)` : "";
  const what = `${WHAT_WAS_DONE[fault.kind] ?? fault.kind}${how}${who}`;
  const name = `<span class="no">${no}</span>${escapeHtml(what)}`;
  const at = timeOf(fault.atSeconds);
  if (!fault.isInjected)
    return `<tr><td>${name}</td><td class="n" data-is="at">${at}</td><td colspan="5">not done here</td></tr>`;
  const cells: [string, string][] = [
    ["at", at],
    ["listening", whole(fault.people)],
    [
      "cut off",
      fault.kind === "stall-readers"
        ? `${whole(counts.stalledClosed)} closed of ${whole(counts.stalled)}`
        : whole(fault.disconnected),
    ],
    ["back", fault.disconnected === 0 ? "–" : whole(fault.recovered)],
    [
      "back within, p95 / all",
      fault.disconnected === 0 ? "–" : `${secondsOf(fault.recoveryP95Ms)} / ${secondsOf(fault.recoveryMaxMs)}`,
    ],
    [
      "silence, p95 / p99 / most",
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
    ? ` ${browsers.pages} real Chromiums listened too: ${browsers.gaps} gaps, ${browsers.stalls} stalls, ${secondsOf(browsers.mouthToEarP50Ms)} behind the microphone; they ${browsers.agree ? "agree" : "do not agree"} with the model.`
    : "";
  const lines = [
    `${scenario.about}`,
    `Held ${when} UTC with Hustings ${record.version} on ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.kernel}, Node ${machine.node}; ${setting.edges || "unknown"} edges, ${plural(setting.generators, "generator", "generators")}${setting.agents > 0 ? ` on ${plural(setting.agents, "machine", "machines")}` : ""}; ${setting.target}.${real}`,
    "A gap: a listener's playhead reaches a slot that has not come, by the player's own buffer policy on the times at which slots really came. A cut: 15 seconds without sound. Every connection is a real socket; a slot counts as checked when its bytes are those whose checksum was proved.",
    `Prices: $${prices.perGigabyte} for a gigabyte, $${prices.perCoreHour} for a core and hour. They are assumptions: put in your own with --price-gb and --price-core-hour.`,
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
