import assert from "node:assert/strict";
import { test } from "node:test";
import { digitsOf } from "./playing-time.ts";

test("times in a recording have hours only when needed, and an unknown length is shown as unknown", () => {
  const shown = [0, 5.9, 65, 3_599.99, 3_600, 37_230, -1, Number.NaN, Infinity].map(digitsOf);
  assert.deepEqual(shown, ["0:00", "0:05", "1:05", "59:59", "1:00:00", "10:20:30", "0:00", "-:--", "-:--"]);
});
