// Keeps values in the browser's storage, or in memory where the browser forbids storage or has no room for it.

export type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export interface BrowserStore extends Store {
  /** False: values are kept in memory only, and are gone after a reload. Never becomes true again. */
  readonly isLasting: boolean;
}

/** `open` may throw; the store itself never does. */
export function openStore(open: () => Storage): BrowserStore {
  const memory = new Map<string, string>();
  let isLasting = true;

  function attempt<Value>(action: (storage: Storage) => Value): Value | undefined {
    try {
      return action(open());
    } catch {
      isLasting = false;
      return undefined;
    }
  }

  attempt((storage) => storage.length);
  return {
    get isLasting() {
      return isLasting;
    },
    getItem: (key) => memory.get(key) ?? attempt((storage) => storage.getItem(key)) ?? null,
    setItem(key, value) {
      const isStored = attempt((storage) => {
        storage.setItem(key, value);
        return true;
      });
      if (isStored) memory.delete(key);
      else memory.set(key, value);
    },
    removeItem(key) {
      memory.delete(key);
      attempt((storage) => storage.removeItem(key));
    },
  };
}
