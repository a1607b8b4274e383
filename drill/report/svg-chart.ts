// Draws measurements over time as a figure with inline SVG. Labels are HTML, so that they stay readable at any width.

export interface Series {
  readonly label: string;
  /** Ascending in time; `undefined`: unknown. */
  readonly points: readonly (readonly [atSeconds: number, value: number | undefined])[];
  readonly kind: "line" | "area" | "dashed";
  /** A CSS custom property, such as `--people`. */
  readonly colour: string;
}

export interface Mark {
  readonly atSeconds: number;
  readonly label: string;
}

export interface Chart {
  readonly title: string;
  readonly note: string;
  readonly series: readonly Series[];
  readonly lengthSeconds: number;
  readonly marks: readonly Mark[];
  readonly isLarge?: boolean;
  readonly isStacked?: boolean;
  readonly limit?: number;
  readonly atLeast?: number;
  readonly format: (value: number) => string;
}

const STEPS = [1, 2, 2.5, 5, 10];
const TIME_STEPS_SECONDS = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600];
const MAX_TIME_TICKS = 6;

export function drawChart(chart: Chart): string {
  const layers = chart.isStacked ? stacked(chart.series) : chart.series.map((series) => ({ series, base: undefined }));
  const values = layers.flatMap(({ series }) => series.points.flatMap(([, value]) => value ?? []));
  const { top, step } = scaleFor(Math.max(chart.atLeast ?? 0, chart.limit ?? 0, 0.000001, ...values));
  const x = (atSeconds: number): number => (atSeconds / chart.lengthSeconds) * 100;
  const y = (value: number): number => 100 - (Math.min(value, top) / top) * 100;
  const marks = chart.marks.map(({ atSeconds }) => `<path class="mark" d="M${round(x(atSeconds))} 0V100"/>`);
  const limit = chart.limit === undefined ? "" : `<path class="limit" d="M0 ${round(y(chart.limit))}H100"/>`;
  const shapes = layers.toReversed().map(({ series, base }) => shapeOf(series, base, x, y));
  const lines = ticks(top, step).map((value) => `<path class="grid" d="M0 ${round(y(value))}H100"/>`);
  return `<figure class="chart${chart.isLarge ? " large" : ""}">
<figcaption><b>${escapeHtml(chart.title)}</b><span>${escapeHtml(chart.note)}</span>${legendOf(chart)}</figcaption>
<div class="plot">
<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">${lines.join("")}${shapes.join("")}${limit}${marks.join("")}</svg>
${ticks(top, step)
  .map((value) => `<span class="y" style="top:${round(y(value))}%">${escapeHtml(chart.format(value))}</span>`)
  .join("")}
${timeTicks(chart.lengthSeconds)
  .map((at) => `<span class="x" style="left:${round(x(at))}%">${timeOf(at)}</span>`)
  .join("")}
${chart.isLarge ? chart.marks.map((mark) => `<span class="flag" style="left:${round(x(mark.atSeconds))}%">${escapeHtml(mark.label)}</span>`).join("") : ""}
</div>
</figure>`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

export function timeOf(atSeconds: number): string {
  const whole = Math.round(atSeconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

interface Layer {
  readonly series: Series;
  /** The area's lower bound, by point. */
  readonly base: readonly number[] | undefined;
}

function stacked(all: readonly Series[]): Layer[] {
  let base: number[] = [];
  return all.map((series) => {
    const under = base;
    const points = series.points.map(([at, value], i): [number, number] => [at, (under[i] ?? 0) + (value ?? 0)]);
    base = points.map(([, value]) => value);
    return { series: { ...series, points }, base: under };
  });
}

function shapeOf(
  series: Series,
  base: readonly number[] | undefined,
  x: (atSeconds: number) => number,
  y: (value: number) => number,
): string {
  const runs = runsOf(series);
  const path = runs
    .map((run) => run.map(([at, value], i) => `${i === 0 ? "M" : "L"}${round(x(at))} ${round(y(value))}`).join(""))
    .join("");
  if (series.kind !== "area") {
    const dash = series.kind === "dashed" ? ' stroke-dasharray="4 4"' : "";
    return `<path class="line" style="stroke:var(${series.colour})"${dash} d="${path}"/>`;
  }
  const [run = []] = runs;
  const floor = run
    .map(([at], i) => `L${round(x(at))} ${round(y(base?.[i] ?? 0))}`)
    .reverse()
    .join("");
  return `<path class="area" style="fill:var(${series.colour})" d="${path}${floor}Z"/>`;
}

function runsOf({ points }: Series): [number, number][][] {
  const runs: [number, number][][] = [[]];
  for (const [at, value] of points) {
    if (value === undefined) runs.push([]);
    else runs.at(-1)?.push([at, value]);
  }
  return runs.filter((run) => run.length > 0);
}

function legendOf({ series }: Chart): string {
  if (series.length < 2) return "";
  const keys = series.map(
    ({ label, colour, kind }) => `<i class="${kind}" style="--key:var(${colour})"></i>${escapeHtml(label)}`,
  );
  return `<span class="legend">${keys.map((key) => `<span>${key}</span>`).join("")}</span>`;
}

function scaleFor(most: number): { readonly top: number; readonly step: number } {
  const rough = most / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = (STEPS.find((one) => one * power >= rough) ?? 10) * power;
  return { top: Math.ceil(most / step) * step, step };
}

function ticks(top: number, step: number): number[] {
  return Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step);
}

function timeTicks(lengthSeconds: number): number[] {
  const step = TIME_STEPS_SECONDS.find((one) => lengthSeconds / one <= MAX_TIME_TICKS) ?? 7_200;
  return Array.from({ length: Math.floor(lengthSeconds / step) + 1 }, (_, i) => i * step);
}

function round(value: number): string {
  return (Math.round(value * 100) / 100).toString();
}
