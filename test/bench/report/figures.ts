// The shapes of a bench and of its results: figures, each with its budget.

/** One row of the table. */
export interface Figure {
  readonly what: string;
  /** The number that is compared with the budget, in `unit`. */
  readonly value: number;
  /** Empty for a bare ratio. */
  readonly unit: string;
  /** The values of the single runs, in `unit`; or a sentence about how far the number can be trusted. */
  readonly spread?: readonly number[] | string;
  /** The budget; absent if the number only explains another. */
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly note?: string;
}

export interface BenchContext {
  /** Fewer and shorter runs: to try the bench, not to quote. */
  readonly isQuick: boolean;
  /** Prints one line of progress. */
  say(line: string): void;
  /** Waits in real time; throws once the whole run has exceeded its time limit. */
  pause(ms: number): Promise<void>;
}

/** One thing that `--only` selects. It cleans up after itself, also when it throws. */
export interface Bench {
  readonly name: string;
  run(context: BenchContext): Promise<readonly Figure[]>;
}

export function isWithin({ value, atMost, atLeast }: Figure): boolean | undefined {
  if (atMost === undefined && atLeast === undefined) return undefined;
  return value <= (atMost ?? Number.POSITIVE_INFINITY) && value >= (atLeast ?? Number.NEGATIVE_INFINITY);
}
