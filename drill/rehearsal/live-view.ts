// Shows progress: a few redrawn lines at a terminal, elsewhere a line every five seconds.

import type { CrowdReport } from "../record/crowd-report.ts";
import type { MeasuredRole, Sample } from "../record/drill-record.ts";
import { ROLES } from "../record/drill-record.ts";
import { quantileMs } from "../record/histogram.ts";

export interface LiveView {
  show(sample: Sample, report: CrowdReport): void;
  print(text: string): void;
  end(): void;
}

const BAR = 40;
const SPARKS = "▁▂▃▄▅▆▇█";
const MAX_SPARKS = 60;
const PLAIN_SECONDS = 5;

export function openLiveView(out: NodeJS.WriteStream, lengthSeconds: number, peak: number): LiveView {
  return out.isTTY ? terminalView(out, lengthSeconds, peak) : plainView(out, lengthSeconds);
}

function terminalView(out: NodeJS.WriteStream, lengthSeconds: number, peak: number): LiveView {
  const people: number[] = [];
  let drawn = 0;
  const clear = (): void => {
    if (drawn > 0) out.write(`\x1b[${drawn}A\x1b[0J`);
    drawn = 0;
  };
  return {
    show(sample, report) {
      people.push(sample.playing);
      const lines = linesOf(sample, report, lengthSeconds, sparkline(people, peak));
      clear();
      const columns = out.columns || 80;
      out.write(lines.map((line) => `${line.slice(0, columns - 1)}\n`).join(""));
      drawn = lines.length;
    },
    print(text) {
      clear();
      out.write(`${text}\n`);
    },
    end: () => undefined,
  };
}

function plainView(out: NodeJS.WriteStream, lengthSeconds: number): LiveView {
  let shownSeconds = -Infinity;
  return {
    show(sample, report) {
      if (sample.atSeconds - shownSeconds < PLAIN_SECONDS) return;
      shownSeconds = sample.atSeconds;
      const { counts } = report;
      out.write(
        `${clockOf(sample.atSeconds)} of ${clockOf(lengthSeconds)} · ${number(sample.playing)} of ${number(sample.wanted)} listening · ${number(sample.joinsPerSecond)} joins/s · ${cadences(sample)} · ${number(counts.gaps)} gaps · ${number(counts.cuts)} cuts · ${number(counts.failedJoins)} failed joins · ${cores(sample)}\n`,
      );
    },
    print: (text) => void out.write(`${text}\n`),
    end: () => undefined,
  };
}

function linesOf(sample: Sample, report: CrowdReport, lengthSeconds: number, sparks: string): string[] {
  const { counts, standing } = report;
  const done = Math.min(1, sample.atSeconds / lengthSeconds);
  const bar = "█".repeat(Math.round(done * BAR)).padEnd(BAR, "░");
  const first = quantileMs(report.firstSoundMs, 0.95);
  return [
    "",
    `  ${bar}  ${clockOf(sample.atSeconds)} of ${clockOf(lengthSeconds)}`,
    "",
    `  listening   ${number(sample.playing)} of ${number(sample.wanted)}   ${sparks}`,
    `  joining     ${number(sample.joinsPerSecond)} a second, ${number(standing.connecting)} connecting, ${number(standing.waiting)} waiting to reconnect; first sound p95 ${first ?? "…"} ms`,
    `  cadence     ${cadences(sample)}; ${seconds(sample.lagP50Ms)} behind the microphone (p95 ${seconds(sample.lagP95Ms)})`,
    `  gaps        ${number(counts.gaps)}     cuts ${number(counts.cuts)}     failed joins ${number(counts.failedJoins)}     skipped slots ${number(counts.skippedSlots)}     damaged frames ${number(counts.badFrames)}`,
    `  checked     ${number(counts.checkedSlots)} slots; ${(sample.bytesPerSecond * 8e-9).toFixed(2)} Gb/s`,
    `  processor   ${cores(sample)}${sample.machineBusy === undefined ? "" : `; whole machine ${Math.round(sample.machineBusy * 100)} %`}`,
    `  stage       ticks ${sample.tickP999Ms?.toFixed(1) ?? "…"} ms late, a bare timer ${sample.bareTickP999Ms?.toFixed(1) ?? "…"} ms (p99.9 of ten seconds)`,
  ];
}

function cores({ roles }: Sample): string {
  const parts = ROLES.flatMap((role: MeasuredRole) => {
    const use = roles[role];
    return use ? [`${role} ${Math.round(use.cores * 100)} %`] : [];
  });
  return parts.length === 0 ? "not visible from here" : parts.join(", ");
}

function cadences({ byCadence }: Sample): string {
  const all = Object.entries(byCadence).filter(([, people]) => people > 0);
  if (all.length === 1) return `cadence ${Number(all[0]?.[0]) / 1000} s`;
  return all.length === 0
    ? "no listeners yet"
    : all.map(([ms, people]) => `${number(people)} at ${Number(ms) / 1000} s`).join(", ");
}

function sparkline(values: readonly number[], peak: number): string {
  const step = Math.max(1, Math.ceil(values.length / MAX_SPARKS));
  return values
    .filter((_, i) => i % step === 0)
    .map((value) => SPARKS[Math.min(SPARKS.length - 1, Math.floor((value / Math.max(1, peak)) * SPARKS.length))])
    .join("");
}

function number(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? "…" : `${(ms / 1000).toFixed(1)} s`;
}

function clockOf(atSeconds: number): string {
  const whole = Math.max(0, Math.round(atSeconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
