import assert from "node:assert/strict";
import { test } from "node:test";
import { initialsOf, stageLayoutOf, tintOf } from "./portraits.ts";

test("takes initials from names in any script and keeps an emoji whole", () => {
  assert.equal(initialsOf("Ada King Lovelace"), "AL");
  assert.equal(initialsOf("zoë"), "Z");
  assert.equal(initialsOf("بهاء طاهر"), "ب");
  assert.equal(initialsOf("🦊 Fox"), "🦊");
  assert.equal(initialsOf("👩‍🚀 Mae"), "👩‍🚀");
  assert.equal(initialsOf("(?)"), "");
});

test("gives a name the same tint every time", () => {
  assert.equal(tintOf("Ada"), tintOf("Ada"));
  assert.notEqual(tintOf("Ada"), tintOf("Grace"));
});

test("chooses a denser layout for more people", () => {
  assert.deepEqual([0, 1, 2, 4, 9, 20].map(stageLayoutOf), ["one", "one", "two", "few", "some", "many"]);
});
