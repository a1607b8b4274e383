// Gives out a log's pens: numbers them, refuses all but the newest, and knows when the log is unused.

import { StaleTerm } from "./port.ts";

export interface PensOptions<Pen extends AsyncDisposable> {
  /** 0 before the first pen. */
  readonly term: number;
  /** Resolves once the term is durable. */
  readonly persist: (term: number) => Promise<void>;
  readonly makePen: (hold: PenHold) => Pen;
  /** When the newest pen is closed, but not by `Pens.close`. */
  readonly onUnused: () => Promise<void>;
}

export interface PenHold {
  readonly term: number;
  /** Call at each append. Throws StaleTerm if a newer pen was taken, Error if this one is closed. */
  check(): void;
  close(end: () => void): Promise<void>;
}

export interface Pens<Pen extends AsyncDisposable> {
  /** A pen of the next term, once that is durable; then older pens are refused. */
  take(): Promise<Pen>;
  readonly isInUse: boolean;
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
