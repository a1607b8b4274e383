import assert from "node:assert/strict";
import { test } from "node:test";
import { messages } from "../reading/repository.ts";
import { withoutPending } from "./with-pending.ts";

test("a pending path hides its findings and no others, and is a finding once it has none", () => {
  const findings = ["wire/a.ts", "wire/b.ts"].map((path) => ({ path, line: 1, message: "m" }));
  assert.deepEqual(messages(withoutPending(findings, ["wire/a.ts"])), ["wire/b.ts:1 m"]);
  assert.match(withoutPending([], ["wire/a.ts"])[0]?.message ?? "", /delete it/);
});
