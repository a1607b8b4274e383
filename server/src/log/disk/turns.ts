// Does one thing at a time for each key, in the order of the calls.

export interface Turns<Key> {
  /** Resolves as `act` does, which runs once everything that was asked for the same key before has ended. */
  take<Result>(key: Key, act: () => Promise<Result>): Promise<Result>;
}

export function createTurns<Key>(): Turns<Key> {
  const newest = new Map<Key, Promise<unknown>>();
  return {
    take(key, act) {
      const turn = (newest.get(key) ?? Promise.resolve()).then(act);
      const ended = turn
        .catch(() => undefined)
        .finally(() => {
          if (newest.get(key) === ended) newest.delete(key);
        });
      newest.set(key, ended);
      return turn;
    },
  };
}
