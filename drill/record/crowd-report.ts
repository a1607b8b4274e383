// Reports of generators about their listeners, and how they merge. JSON values.

import { type Histogram, mergeHistograms } from "./histogram.ts";

/** Since the start of a generator; merging adds them. */
export interface Counts {
  joins: number;
  firstSounds: number;
  /** No sound 15 s after the tap, or refused for good before any sound. */
  failedJoins: number;
  queued: number;
  left: number;
  /** Established connections that ended while the listener stayed. */
  lostConnections: number;
  refusedConnections: number;
  reconnects: number;
  /** A playhead reached a slot that had not come, and filler played. */
  gaps: number;
  gapMs: number;
  awayMs: number;
  heldMs: number;
  cuts: number;
  jumps: number;
  /** Slots skipped by a jump or because the edge announced it. */
  skippedSlots: number;
  /** Existing slots that neither came nor were announced as skipped. */
  missingSlots: number;
  duplicateSlots: number;
  /** Frames that broke the protocol or differ from verified sound. */
  badFrames: number;
  checkedSlots: number;
  frames: number;
  bytes: number;
  /** Readers stalled on purpose; of these, closed by an edge; of these, with sound again. */
  stalled: number;
  stalledClosed: number;
  stalledBack: number;
  homeRequests: number;
  homePages: number;
  homeFailed: number;
}

export interface Standing {
  people: number;
  playing: number;
  connecting: number;
  waiting: number;
}

export interface CrowdReport {
  readonly counts: Counts;
  readonly standing: Standing;
  /** By cadence in milliseconds. */
  readonly byCadence: Readonly<Record<string, number>>;
  /** By reason: a close code, an HTTP status, or words. */
  readonly closes: Readonly<Record<string, number>>;
  readonly firstSoundMs: Histogram;
  /** Delay of playheads behind the microphone, of a sample of listeners since the last report. */
  readonly lagMs: Histogram;
  readonly gapLengthMs: Histogram;
  readonly homeMs: Histogram;
  readonly window: FaultWindow;
  /** Largest delay of a generator's loop. Above 100 ms the generator is late, not the server. */
  readonly loopDelayMs: number;
  readonly generators: number;
}

export interface FaultWindow {
  readonly number: number;
  /** Listeners that were playing; of these, that lost the connection; of these, that play again. */
  readonly people: number;
  readonly disconnected: number;
  readonly recovered: number;
  /** From the loss to sound on another connection. */
  readonly recoveryMs: Histogram;
  /** Filler heard instead of words, by disconnected listener. */
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

/** Windows of a fault older than the newest are dropped. */
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
