// Chooses which test files run in which pass, and judges the counts. Pure.

/** One run of the test runner. */
export interface Pass {
  readonly name: string;
  /** In the order in which they start. */
  readonly files: readonly string[];
  /** Files that run at the same time. */
  readonly concurrency: number;
  /** Whether the files start servers, browsers and peers. */
  readonly isLive: boolean;
}

/** Counted results. A test that a timeout or an abort ended has failed. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly todo: number;
}

export const noCounts: Counts = { passed: 0, failed: 0, skipped: 0, todo: 0 };

// Tests of whole servers, real browsers and real peers. They mostly wait for sound, which takes its time; several at
// once share a core, but not with the light tests, which compute.
const live = /^test\/(?:e2e|faults)\/|\.e2e\.test\.ts$|^server\/src\/stage\/peer\/(?:webrtc|twenty)/;
const liveConcurrencyMax = 4;

// Measure how soon and how far behind real players play; a second browser on the same cores would be measured with them.
const measured = /^(?:listener\/player\/playback\.e2e|test\/e2e\/(?:hls|moments))\.test\.ts$/;

/** Files that take a minute or more start first, so that none of them runs on when all others are over. */
export const longFiles: readonly string[] = [
  "test/e2e/cadence.test.ts",
  "test/faults/hostile.test.ts",
  "test/e2e/pull.test.ts",
  "test/faults/door.test.ts",
  "test/e2e/faults.test.ts",
  "drill/rehearsal/drill.test.ts",
];

/** The test files among `paths`, in order; with `filters`, those whose path contains at least one of them. */
export function selectTests(paths: readonly string[], filters: readonly string[]): string[] {
  const tests = paths.filter((path) => path.endsWith(".test.ts")).sort();
  return filters.length === 0 ? tests : tests.filter((path) => filters.some((filter) => path.includes(filter)));
}

/** The passes in which `files` run on a machine with `cores`: the light ones, the live ones, then the measured ones, one at a time. */
export function passes(files: readonly string[], cores: number): Pass[] {
  const ordered = [...longFiles.filter((file) => files.includes(file)), ...files.filter((file) => !isLong(file))];
  const light = ordered.filter((file) => !live.test(file));
  const together = ordered.filter((file) => live.test(file) && !measured.test(file));
  const alone = ordered.filter((file) => measured.test(file));
  return [
    { name: "Light tests", files: light, concurrency: cores, isLive: false },
    { name: "Live tests", files: together, concurrency: Math.min(cores, liveConcurrencyMax), isLive: true },
    { name: "Measured tests", files: alone, concurrency: 1, isLive: true },
  ];
}

function isLong(file: string): boolean {
  return longFiles.includes(file);
}

export function sum(a: Counts, b: Counts): Counts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    todo: a.todo + b.todo,
  };
}

/** Good only when tests ran, and all of them passed: a skipped test proves nothing. The last line is the sum. */
export function verdict(counts: Counts): { isGood: boolean; lines: readonly string[] } {
  const lines: string[] = [];
  if (counts.passed + counts.failed === 0) lines.push("No test ran.");
  if (counts.skipped > 0) lines.push(`${counts.skipped} skipped: a test runs or goes.`);
  if (counts.todo > 0) lines.push(`${counts.todo} marked as to do: a test runs or goes.`);
  const isGood = lines.length === 0 && counts.failed === 0;
  return { isGood, lines: [...lines, `${counts.passed} passed, ${counts.failed} failed`] };
}
