// Chooses which test files run in which pass, and judges the counts. Pure.

/** One run of the test runner: its files one at a time or side by side. */
export interface Pass {
  readonly name: string;
  readonly isSerial: boolean;
  readonly files: readonly string[];
}

/** Counted results. A test that a timeout or an abort ended has failed. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly todo: number;
}

export const noCounts: Counts = { passed: 0, failed: 0, skipped: 0, todo: 0 };

// Tests with real browsers, whole servers or real sound: two at once on a small machine would slow each other.
const heavy = /^(?:test\/(?!house\/|runner\/)|server\/src\/stage\/peer)|\.e2e\.test\.ts$/;

/** The test files among `paths`, in order; with `filters`, those whose path contains at least one of them. */
export function selectTests(paths: readonly string[], filters: readonly string[]): string[] {
  const tests = paths.filter((path) => path.endsWith(".test.ts")).sort();
  return filters.length === 0 ? tests : tests.filter((path) => filters.some((filter) => path.includes(filter)));
}

/** The passes in which `files` run: the light ones side by side first, then the heavy ones one by one. */
export function passes(files: readonly string[]): Pass[] {
  return [
    { name: "Side by side", isSerial: false, files: files.filter((file) => !heavy.test(file)) },
    { name: "One by one", isSerial: true, files: files.filter((file) => heavy.test(file)) },
  ];
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
