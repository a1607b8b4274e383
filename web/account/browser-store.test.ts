import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "./browser-store.ts";

/** A browser's storage with room for `maxItems` values. */
function storageOf(maxItems: number): Storage {
  const kept = new Map<string, string>();
  return {
    get length() {
      return kept.size;
    },
    getItem: (key: string) => kept.get(key) ?? null,
    setItem(key: string, value: string) {
      if (kept.size >= maxItems && !kept.has(key)) throw new DOMException("full", "QuotaExceededError");
      kept.set(key, value);
    },
    removeItem: (key: string) => void kept.delete(key),
  } as Storage;
}

test("keeps values in the browser's storage and says that they last", () => {
  const storage = storageOf(9);
  const store = openStore(() => storage);
  store.setItem("key", "value");
  assert.equal(storage.getItem("key"), "value");
  assert.equal(store.getItem("key"), "value");
  assert.equal(store.isLasting, true);
  store.removeItem("key");
  assert.equal(store.getItem("key"), null);
});

test("keeps values in memory when the browser blocks its storage, and says that they do not last", () => {
  const store = openStore(() => {
    throw new DOMException("blocked", "SecurityError");
  });
  assert.equal(store.isLasting, false, "known before anything is stored");
  assert.equal(store.getItem("key"), null);
  store.setItem("key", "value");
  assert.equal(store.getItem("key"), "value");
  store.removeItem("key");
  assert.equal(store.getItem("key"), null);
});

test("keeps a value in memory when the storage is full, and in the storage once there is room", () => {
  const storage = storageOf(1);
  storage.setItem("other", "value");
  const store = openStore(() => storage);
  assert.equal(store.isLasting, true);
  store.setItem("key", "one");
  assert.equal(store.getItem("key"), "one");
  assert.equal(store.isLasting, false);
  storage.removeItem("other");
  store.setItem("key", "two");
  assert.equal(storage.getItem("key"), "two");
  assert.equal(store.getItem("key"), "two");
});
