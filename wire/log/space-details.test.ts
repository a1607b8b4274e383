import assert from "node:assert/strict";
import { test } from "node:test";
import { detailsOf, NO_DETAILS } from "./detail-values.ts";
import { readSpaceDetails } from "./space-details.ts";

test("checks and cleans the details of a body, and drops its other fields", () => {
  assert.deepEqual(readSpaceDetails({ title: "  Open   evening ", host: "x" }), { title: "Open evening" });
  assert.throws(() => readSpaceDetails({ title: 5 }), { code: "bad-title" });
  assert.throws(() => readSpaceDetails({}), { code: "bad-title" });
});

test("takes the details out of an entry, with the values of older spaces for those that it lacks", () => {
  assert.deepEqual(detailsOf({ title: "T" }), { title: "T" });
  assert.deepEqual(detailsOf({}), NO_DETAILS);
});
