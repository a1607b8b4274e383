// The charts of a drill's report.

import { type DrillRecord, type MeasuredRole, ROLES, type Sample } from "../record/drill-record.ts";
import { lengthSeconds, peopleAt } from "../scenario/scenario.ts";
import type { Chart, Mark, Series } from "./svg-chart.ts";

const TICK_LIMIT_MS = 5;
const CURVE_POINTS = 300;

export function mainChart(record: DrillRecord): Chart {
  const length = lengthOf(record);
  const { scenario } = record;
  const at = Array.from({ length: CURVE_POINTS + 1 }, (_, i) => (i / CURVE_POINTS) * length);
  return {
    title: "The evening",
    note: "Listeners with sound, and the scenario's curve, over minutes. The numbers are the faults below.",
    isLarge: true,
    series: [
      { label: "listening", kind: "area", colour: "--people", points: pointsOf(record, ({ playing }) => playing) },
      {
        label: "the curve",
        kind: "dashed",
        colour: "--ink",
        points: at.map((seconds) => [seconds, peopleAt(scenario, seconds)] as const),
      },
    ],
    lengthSeconds: length,
    marks: marksOf(record),
    format: short,
  };
}

export function chartsOf(record: DrillRecord): Chart[] {
  const base = { lengthSeconds: lengthOf(record), marks: marksOf(record) };
  return [
    {
      ...base,
      title: "Joins a second",
      note: "First sounds, not first packets",
      series: [line(record, "joins", "--people", ({ joinsPerSecond }) => joinsPerSecond)],
      format: short,
    },
    {
      ...base,
      title: "Behind the microphone",
      note: "From the microphone to the listener's playhead",
      series: [
        line(record, "median", "--people", ({ lagP50Ms }) => seconds(lagP50Ms)),
        line(record, "p95", "--stage", ({ lagP95Ms }) => seconds(lagP95Ms)),
      ],
      format: (value) => `${trim(value)} s`,
    },
    {
      ...base,
      title: "Gaps a second",
      note: record.final.counts.gaps === 0 ? "None" : "A playhead reached a slot that had not come",
      series: [line(record, "gaps", "--end", ({ gaps }) => gaps)],
      atLeast: 3,
      format: short,
    },
    {
      ...base,
      title: "Stage ticks",
      note: "Lateness, p99.9 of ten seconds, beside a timer without work; the dotted line is 5 ms",
      series: [
        line(record, "stage", "--stage", ({ tickP999Ms }) => tickP999Ms),
        line(record, "bare timer", "--ink", ({ bareTickP999Ms }) => bareTickP999Ms),
      ],
      limit: TICK_LIMIT_MS,
      format: (value) => `${trim(value)} ms`,
    },
    rolesChart(record, "Processor", "Cores in use, by role", (use) => use.cores, trim),
    rolesChart(
      record,
      "Memory",
      "Resident, by role, without the kernel's memory for sockets",
      (use) => use.residentBytes,
      bytes,
    ),
    ...lastCharts(record),
  ];
}

function lastCharts(record: DrillRecord): Chart[] {
  const base = { lengthSeconds: lengthOf(record), marks: marksOf(record) };
  return [
    {
      ...base,
      title: "Outgoing traffic",
      note: "Gigabits a second to all listeners",
      series: [line(record, "Gb/s", "--people", ({ bytesPerSecond }) => bytesPerSecond * 8e-9)],
      format: trim,
    },
    {
      ...base,
      title: "Lateness of the generators",
      note: "Where this is high, the drill and not the server was late",
      series: [line(record, "late", "--parent", ({ generatorLateMs }) => generatorLateMs)],
      atLeast: 50,
      format: (value) => `${trim(value)} ms`,
    },
  ];
}

function rolesChart(
  record: DrillRecord,
  title: string,
  note: string,
  of: (use: { readonly cores: number; readonly residentBytes: number }) => number,
  format: (value: number) => string,
): Chart {
  const seen = ROLES.filter((role) => record.samples.some(({ roles }) => roles[role] !== undefined));
  const measured = (role: MeasuredRole, { roles }: Sample): number => {
    const use = roles[role];
    return use ? of(use) : 0;
  };
  const series = seen.map(
    (role): Series => ({
      label: role,
      kind: "area",
      colour: `--${role}`,
      points: pointsOf(record, (sample) => measured(role, sample)),
    }),
  );
  return { title, note, series, isStacked: true, lengthSeconds: lengthOf(record), marks: marksOf(record), format };
}

function line(record: DrillRecord, label: string, colour: string, of: (sample: Sample) => number | undefined): Series {
  return { label, kind: "line", colour, points: pointsOf(record, of) };
}

function pointsOf({ samples }: DrillRecord, of: (sample: Sample) => number | undefined): Series["points"] {
  return samples.map((sample) => [sample.atSeconds, of(sample)] as const);
}

function lengthOf(record: DrillRecord): number {
  return Math.max(lengthSeconds(record.scenario), record.samples.at(-1)?.atSeconds ?? 0);
}

function marksOf({ faults }: DrillRecord): Mark[] {
  return faults.map(({ atSeconds }, i) => ({ atSeconds, label: String(i + 1) }));
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}

function short(value: number): string {
  if (value >= 1_000_000) return `${trim(value / 1_000_000)} M`;
  return value >= 10_000 ? `${trim(value / 1_000)} k` : trim(value);
}

function trim(value: number): string {
  return (Math.round(value * 100) / 100).toLocaleString("en");
}

function bytes(value: number): string {
  return value >= 1e9 ? `${trim(Math.round(value / 1e8) / 10)} GB` : `${Math.round(value / 1e6)} MB`;
}
