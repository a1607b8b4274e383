// Numbers the pens of one log and refuses every pen but the newest. Each adapter says how a term becomes durable.

import { StaleTerm } from "./port.ts";

export interface Fence {
  /** The newest term: 0 before the first pen. */
  readonly term: number;
  /** Gives the next term once it is durable; from then on `check` refuses every earlier one. Terms are given one at a time. */
  raise(): Promise<number>;
  /** Throws StaleTerm unless `term` is the newest. */
  check(term: number): void;
}

/** A fence of a log whose highest term so far is `term`. `persist` resolves once the term that it is given is durable. */
export function createFence(term: number, persist: (term: number) => Promise<void>): Fence {
  let newest = term;
  let raising: Promise<unknown> = Promise.resolve();

  async function raise(): Promise<number> {
    const next = newest + 1;
    await persist(next);
    newest = next;
    return next;
  }

  return {
    get term() {
      return newest;
    },
    raise() {
      const raised = raising.then(raise);
      raising = raised.catch(() => undefined);
      return raised;
    },
    check(term) {
      if (term !== newest) throw new StaleTerm(term, newest);
    },
  };
}
