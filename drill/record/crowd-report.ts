// Reports of generators about their listeners, and how several are merged. Plain values that travel
// as JSON.

import { type Histogram, mergeHistograms } from "./histogram.ts";

/** Whole numbers since the start of a generator; merging adds them. */
export interface Counts {
  /** Listeners that tapped "Listen". */
  joins: number;
  /** Listeners that heard a first sound. */
  firstSounds: number;
  /** Listeners without sound 15 s after the tap, or refused for good before any sound. */
  failedJoins: number;
  /** Listeners that waited in the admission queue. */
  queued: number;
  /** Listeners that left because the scenario ordered it. */
  left: number;
  /** Established connections that ended although the listener stayed. */
  lostConnections: number;
  /** Connections that the door refused. */
  refusedConnections: number;
  reconnects: number;
  /** Times that a playhead reached a slot that had not come, and the filler played for it. */
  gaps: number;
  gapMs: number;
  /** Filler while the edge reported the stage away. */
  awayMs: number;
  /** Filler while hold music was on air. */
  heldMs: number;
  /** Listeners that played nothing for 15 s. */
  cuts: number;
  jumps: number;
  /** Slots skipped by a jump or because the edge announced it. */
  skippedSlots: number;
  /** Existing slots that never came and were not announced as skipped. */
  missingSlots: number;
  /** Slots that came twice on one connection. */
  duplicateSlots: number;
  /** Frames that broke the protocol or whose sound differs from checksummed sound. */
  badFrames: number;
  checkedSlots: number;
  frames: number;
  bytes: number;
  /** Readers stalled on purpose; of these, closed by an edge; of these, with sound again. */
  stalled: number;
  stalledClosed: number;
  stalledBack: number;
  /** Requests for the home page after leaving; complete pages; failures. */
  homeRequests: number;
  homePages: number;
  homeFailed: number;
}

/** Numbers at the moment of the report. */
export interface Standing {
  /** Listeners that joined and did not leave. */
  people: number;
  /** Listeners with sound ahead of the playhead. */
  playing: number;
  connecting: number;
  /** Listeners that wait for their next attempt. */
  waiting: number;
}

export interface CrowdReport {
  readonly counts: Counts;
  readonly standing: Standing;
  /** Listeners by the cadence of their pushes, in milliseconds. */
  readonly byCadence: Readonly<Record<string, number>>;
  /** Ended and refused connections by reason: a close code, an HTTP status, or words. */
  readonly closes: Readonly<Record<string, number>>;
  /** From the tap to the first sound. */
  readonly firstSoundMs: Histogram;
  /** How far playheads are behind the microphone, of a sample of listeners since the last report. */
  readonly lagMs: Histogram;
  readonly gapLengthMs: Histogram;
  /** From leaving to the complete home page. */
  readonly homeMs: Histogram;
  readonly window: FaultWindow;
  /** The largest delay of a generator's own loop. Above 100 ms the generator is late, not the server. */
  readonly loopDelayMs: number;
  readonly generators: number;
}

/** The effects of the newest fault since it was injected. */
export interface FaultWindow {
  readonly number: number;
  /** Listeners that were playing; of these, that lost the connection; of these, that play again. */
  readonly people: number;
  readonly disconnected: number;
  readonly recovered: number;
  /** From the loss to sound on another connection. */
  readonly recoveryMs: Histogram;
  /** Filler that each disconnected listener heard instead of words. */
  readonly gapMs: Histogram;
}

export function emptyCounts(): Counts {
  return {
    joins: 0,
    firstSounds: 0,
    failedJoins: 0,
    queued: 0,
    left: 0,
    lostConnections: 0,
    refusedConnections: 0,
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
    homeRequests: 0,
    homePages: 0,
    homeFailed: 0,
  };
}

export const EMPTY_REPORT: CrowdReport = {
  counts: emptyCounts(),
  standing: { people: 0, playing: 0, connecting: 0, waiting: 0 },
  byCadence: {},
  closes: {},
  firstSoundMs: [],
  lagMs: [],
  gapLengthMs: [],
  homeMs: [],
  window: { number: 0, people: 0, disconnected: 0, recovered: 0, recoveryMs: [], gapMs: [] },
  loopDelayMs: 0,
  generators: 0,
};

/** Merges `reports` into one. Windows of an older fault than the newest do not count. */
export function mergeReports(reports: readonly CrowdReport[]): CrowdReport {
  const number = Math.max(0, ...reports.map(({ window }) => window.number));
  const windows = reports.map(({ window }) => window).filter((window) => window.number === number);
  const histogram = (of: (report: CrowdReport) => Histogram): Histogram => mergeHistograms(reports.map(of));
  return {
    counts: sumInto(
      { ...emptyCounts() } as unknown as Record<string, number>,
      reports.map(({ counts }) => counts as unknown as Record<string, number>),
    ) as unknown as Counts,
    standing: sumInto(
      { people: 0, playing: 0, connecting: 0, waiting: 0 },
      reports.map(({ standing }) => standing),
    ),
    byCadence: sumInto<string>(
      {},
      reports.map(({ byCadence }) => byCadence),
    ),
    closes: sumInto<string>(
      {},
      reports.map(({ closes }) => closes),
    ),
    firstSoundMs: histogram(({ firstSoundMs }) => firstSoundMs),
    lagMs: histogram(({ lagMs }) => lagMs),
    gapLengthMs: histogram(({ gapLengthMs }) => gapLengthMs),
    homeMs: histogram(({ homeMs }) => homeMs),
    window: {
      number,
      ...sumInto(
        { people: 0, disconnected: 0, recovered: 0 },
        windows.map(({ people, disconnected, recovered }) => ({ people, disconnected, recovered })),
      ),
      recoveryMs: mergeHistograms(windows.map(({ recoveryMs }) => recoveryMs)),
      gapMs: mergeHistograms(windows.map(({ gapMs }) => gapMs)),
    },
    loopDelayMs: Math.max(0, ...reports.map(({ loopDelayMs }) => loopDelayMs)),
    generators: reports.reduce((total, { generators }) => total + generators, 0),
  };
}

function sumInto<Key extends string>(
  total: Record<Key, number>,
  all: readonly Readonly<Record<Key, number>>[],
): Record<Key, number> {
  for (const one of all) for (const key of Object.keys(one) as Key[]) total[key] = (total[key] ?? 0) + one[key];
  return total;
}
