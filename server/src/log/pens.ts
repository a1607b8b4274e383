// Gives out the pens of one log: numbers them, refuses appends of all but the newest, and knows when the log is unused.

import { StaleTerm } from "./port.ts";

export interface PensOptions<Pen extends AsyncDisposable> {
  /** The highest term that the log has seen; 0 before the first pen. */
  readonly term: number;
  /** Resolves once the term is durable. */
  readonly persist: (term: number) => Promise<void>;
  readonly makePen: (hold: PenHold) => Pen;
  /** Called when the newest pen is closed, but not by `Pens.close`. */
  readonly onUnused: () => Promise<void>;
}

/** What a pen knows of its own validity. */
export interface PenHold {
  readonly term: number;
  /** To be called at each append. Throws StaleTerm when a newer pen was taken, Error when this one is closed. */
  check(): void;
  /** To be called when the pen is disposed of: runs `end`, the first time only. */
  close(end: () => void): Promise<void>;
}

export interface Pens<Pen extends AsyncDisposable> {
  /** A pen of the next term, once that is durable. From then on the older pens are refused. */
  take(): Promise<Pen>;
  /** Whether the newest pen is open. */
  readonly isInUse: boolean;
  /** Disposes of every pen. */
  close(): Promise<void>;
}

export function createPens<Pen extends AsyncDisposable>(options: PensOptions<Pen>): Pens<Pen> {
  const { persist, makePen, onUnused } = options;
  const open = new Set<Pen>();
  let newestTerm = options.term;
  let newest: Pen | undefined;
  let taking: Promise<unknown> = Promise.resolve();

  async function takeNext(): Promise<Pen> {
    const term = newestTerm + 1;
    await persist(term);
    newestTerm = term;
    let isClosed = false;
    const pen = makePen({
      term,
      check() {
        if (isClosed) throw new Error(`The pen of term ${term} is closed.`);
        if (term !== newestTerm) throw new StaleTerm(term, newestTerm);
      },
      async close(end) {
        if (isClosed) return;
        isClosed = true;
        open.delete(pen);
        end();
        if (newest !== pen) return;
        newest = undefined;
        await onUnused();
      },
    });
    open.add(pen);
    newest = pen;
    return pen;
  }

  return {
    take() {
      const taken = taking.then(takeNext);
      taking = taken.catch(() => undefined);
      return taken;
    },
    get isInUse() {
      return newest !== undefined;
    },
    async close() {
      newest = undefined;
      for (const pen of [...open]) await pen[Symbol.asyncDispose]();
    },
  };
}
