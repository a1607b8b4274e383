import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseRange } from "./recording-route.ts";

test("honours one byte range and ignores every other header", () => {
  assert.deepEqual(parseRange("bytes=0-0", 10), { from: 0, to: 1 });
  assert.deepEqual(parseRange("bytes=5-", 10), { from: 5, to: 10 });
  assert.deepEqual(parseRange("bytes=5-99", 10), { from: 5, to: 10 });
  assert.deepEqual(parseRange("bytes=-3", 10), { from: 7, to: 10 });
  assert.deepEqual(parseRange("bytes=-30", 10), { from: 0, to: 10 });
  for (const header of [undefined, "", "bytes=", "bytes=-", "bytes=3-2", "bytes=0-1,3-4", "items=0-1", "bytes=a-b"]) {
    assert.equal(parseRange(header, 10), undefined, String(header));
  }
  for (const header of ["bytes=10-", "bytes=11-12", "bytes=-0"]) {
    assert.equal(parseRange(header, 10), "unsatisfiable", header);
  }
});

test("no header leads outside the recording", () => {
  const header = fc.oneof(
    fc.string(),
    fc.tuple(fc.bigInt(), fc.bigInt()).map(([a, b]) => `bytes=${a}-${b}`),
  );
  fc.assert(
    fc.property(header, fc.nat(), (text, sizeBytes) => {
      const range = parseRange(text, sizeBytes);
      if (typeof range !== "object") return;
      assert.ok(range.from >= 0 && range.from < range.to && range.to <= sizeBytes);
    }),
  );
});
