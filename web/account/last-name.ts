// Remembers in this browser the name that a person last gave, to fill it in next time.

const KEY = "hustings.name";

export function lastName(store: Storage): string {
  return store.getItem(KEY) ?? "";
}

export function rememberName(name: string, store: Storage): void {
  store.setItem(KEY, name);
}
