// Owns what generators count and how counts of many are added up: plain values that travel as JSON. Refuses to count.

/** Whole numbers since a generator began; sums over generators are sums of these. */
export interface Counts {
  /** Who asked to listen; who heard a first sound; who gave up, or was refused for good, before it. */
  asked: number;
  heard: number;
  failed: number;
  /** Who stood in the line at the door, because every place was taken. */
  queued: number;
  /** Who left because the scenario said so. */
  left: number;
  /** Connections that ended without our asking, connections that were refused, and connections made again. */
  lost: number;
  refused: number;
  reconnects: number;
  /** Times that a playhead reached a slot that had not come, and milliseconds of filler for it. */
  gaps: number;
  gapMs: number;
  /** Filler while the edge said that the stage was away, or while hold music was on air. */
  awayMs: number;
  heldMs: number;
  /** Listeners who stood still for fifteen seconds. */
  cuts: number;
  jumps: number;
  /** Slots passed over: by a jump or because the edge said so. */
  skippedSlots: number;
  /** Slots that nobody said were absent and that never came; slots that came twice on one connection. */
  missingSlots: number;
  duplicateSlots: number;
  /** Bytes that broke the protocol or differ from what a checksum covers. */
  badFrames: number;
  checkedSlots: number;
  frames: number;
  bytes: number;
  /** Readers that were stalled on purpose, of those closed by an edge, and of those that heard sound again. */
  stalled: number;
  stalledClosed: number;
  stalledBack: number;
  /** Requests for the home page by those who left, those that were answered well, and those that were not. */
  homeAsked: number;
  homeAnswered: number;
  homeFailed: number;
}

/** Numbers as they are now. */
export interface Standing {
  /** Who is in: asked to listen and did not leave. */
  people: number;
  /** Who has sound ahead of the playhead at this moment. */
  playing: number;
  connecting: number;
  waiting: number;
}

/** Counts of values in steps of `STEP_MS`, as pairs [step, count], ascending; what is beyond the last counts there. */
export type Spread = readonly (readonly [step: number, count: number])[];

export interface CrowdReport {
  readonly counts: Counts;
  readonly standing: Standing;
  /** People by the cadence at which their edge pushes to them, in milliseconds. */
  readonly byCadence: Readonly<Record<string, number>>;
  readonly closes: Readonly<Record<string, number>>;
  readonly firstSoundMs: Spread;
  readonly lagMs: Spread;
  readonly gapLengthMs: Spread;
  readonly homeMs: Spread;
  readonly window: FaultWindow;
  /** Lateness of the generators' own loops, the worst: above 100 ms a generator, not the server, is what is late. */
  readonly loopDelayMs: number;
  readonly generators: number;
}

/** What the newest fault did to those who lost their connection by it, from the fault on. */
export interface FaultWindow {
  readonly number: number;
  /** Everybody who was playing; of these, who lost the connection; of these, who plays again. */
  readonly people: number;
  readonly hit: number;
  readonly back: number;
  /** From the loss to sound on another connection. */
  readonly backMs: Spread;
  /** Filler that each of them heard instead of words. */
  readonly gapMs: Spread;
}

export const STEP_MS = 10;
const STEPS = 4_096;

/** A spread being counted. */
export class SpreadCount {
  readonly #bins = new Uint32Array(STEPS);

  add(valueMs: number): void {
    const bin = Math.min(STEPS - 1, Math.max(0, Math.round(valueMs / STEP_MS)));
    this.#bins[bin] = (this.#bins[bin] ?? 0) + 1;
  }

  clear(): void {
    this.#bins.fill(0);
  }

  spread(): Spread {
    const pairs: [number, number][] = [];
    for (let bin = 0; bin < STEPS; bin++) {
      const count = this.#bins[bin] ?? 0;
      if (count > 0) pairs.push([bin, count]);
    }
    return pairs;
  }
}

export function noCounts(): Counts {
  return {
    asked: 0,
    heard: 0,
    failed: 0,
    queued: 0,
    left: 0,
    lost: 0,
    refused: 0,
    reconnects: 0,
    gaps: 0,
    gapMs: 0,
    awayMs: 0,
    heldMs: 0,
    cuts: 0,
    jumps: 0,
    skippedSlots: 0,
    missingSlots: 0,
    duplicateSlots: 0,
    badFrames: 0,
    checkedSlots: 0,
    frames: 0,
    bytes: 0,
    stalled: 0,
    stalledClosed: 0,
    stalledBack: 0,
    homeAsked: 0,
    homeAnswered: 0,
    homeFailed: 0,
  };
}

export const NO_REPORT: CrowdReport = {
  counts: noCounts(),
  standing: { people: 0, playing: 0, connecting: 0, waiting: 0 },
  byCadence: {},
  closes: {},
  firstSoundMs: [],
  lagMs: [],
  gapLengthMs: [],
  homeMs: [],
  window: { number: 0, people: 0, hit: 0, back: 0, backMs: [], gapMs: [] },
  loopDelayMs: 0,
  generators: 0,
};

/** All of `reports` as one. Windows of an older fault than the newest do not count. */
export function addUp(reports: readonly CrowdReport[]): CrowdReport {
  const number = Math.max(0, ...reports.map(({ window }) => window.number));
  const windows = reports.map(({ window }) => window).filter((window) => window.number === number);
  const sum = <Key extends string>(all: readonly Readonly<Record<Key, number>>[], start: Record<Key, number>) => {
    for (const one of all) for (const key of Object.keys(one) as Key[]) start[key] = (start[key] ?? 0) + one[key];
    return start;
  };
  return {
    counts: sum(
      reports.map(({ counts }) => counts as unknown as Record<string, number>),
      { ...noCounts() },
    ) as unknown as Counts,
    standing: sum(
      reports.map(({ standing }) => ({ ...standing })),
      { people: 0, playing: 0, connecting: 0, waiting: 0 },
    ),
    byCadence: sum(
      reports.map(({ byCadence }) => byCadence),
      {},
    ),
    closes: sum(
      reports.map(({ closes }) => closes),
      {},
    ),
    firstSoundMs: addSpreads(reports.map(({ firstSoundMs }) => firstSoundMs)),
    lagMs: addSpreads(reports.map(({ lagMs }) => lagMs)),
    gapLengthMs: addSpreads(reports.map(({ gapLengthMs }) => gapLengthMs)),
    homeMs: addSpreads(reports.map(({ homeMs }) => homeMs)),
    window: {
      number,
      ...sum(
        windows.map(({ people, hit, back }) => ({ people, hit, back })),
        { people: 0, hit: 0, back: 0 },
      ),
      backMs: addSpreads(windows.map(({ backMs }) => backMs)),
      gapMs: addSpreads(windows.map(({ gapMs }) => gapMs)),
    },
    loopDelayMs: Math.max(0, ...reports.map(({ loopDelayMs }) => loopDelayMs)),
    generators: reports.reduce((total, { generators }) => total + generators, 0),
  };
}

export function addSpreads(spreads: readonly Spread[]): Spread {
  const bins = new Map<number, number>();
  for (const spread of spreads) for (const [bin, count] of spread) bins.set(bin, (bins.get(bin) ?? 0) + count);
  return [...bins].sort(([a], [b]) => a - b);
}

export function countOf(spread: Spread): number {
  return spread.reduce((total, [, count]) => total + count, 0);
}

/** The value below or at which `share` (0 to 1) of all lie, in milliseconds; `undefined` without values. */
export function quantileMs(spread: Spread, share: number): number | undefined {
  let left = share * countOf(spread);
  for (const [bin, count] of spread) {
    left -= count;
    if (left <= 0) return bin * STEP_MS;
  }
  const last = spread.at(-1);
  return last && last[0] * STEP_MS;
}
