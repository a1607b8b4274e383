// Owns the shapes of what a bench gives: figures, each beside its budget. Refuses to know how anything is measured.

/** One row of the table. */
export interface Figure {
  readonly what: string;
  /** The number that is judged, in `unit`. */
  readonly value: number;
  /** Empty for a bare ratio. */
  readonly unit: string;
  /** What the single runs gave, in `unit`; or, in words, what else says how far the number can be trusted. */
  readonly spread?: readonly number[] | string;
  /** The budget; absent where there is none and the number only explains another. */
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly note?: string;
}

export interface BenchContext {
  /** Fewer runs, shorter ones: for trying, not for telling. */
  readonly isQuick: boolean;
  /** One line of progress, for the person who waits. */
  say(line: string): void;
  /** Waits in real time, and ends early with an error when the whole run has taken too long. */
  pause(ms: number): Promise<void>;
}

/** One thing that `--only` selects. It cleans up whatever it started, also when it throws. */
export interface Bench {
  readonly name: string;
  run(context: BenchContext): Promise<readonly Figure[]>;
}

export function isWithin({ value, atMost, atLeast }: Figure): boolean | undefined {
  if (atMost === undefined && atLeast === undefined) return undefined;
  return value <= (atMost ?? Number.POSITIVE_INFINITY) && value >= (atLeast ?? Number.NEGATIVE_INFINITY);
}
