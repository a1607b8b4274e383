import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { guestIdFrom, isPersonId, isSpaceId, spaceIdFrom } from "./ids.ts";

test("makes ids of readable letters and recognises them", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (random) => {
      assert.ok(isSpaceId(spaceIdFrom(random)) && isPersonId(guestIdFrom(random)));
    }),
  );
  for (const text of ["", "../../etc/pa", "0123456789a", "O123456789", 5, null]) assert.equal(isSpaceId(text), false);
});

test("recognises guests, accounts and the ids of version 0.1 as people, and nothing else", () => {
  for (const text of [`g_${"0".repeat(16)}`, `a_${"z".repeat(26)}`, "0123456789ab"]) assert.ok(isPersonId(text), text);
  const others = [
    "",
    "g_",
    `g_${"0".repeat(15)}`,
    `g_${"O".repeat(16)}`,
    `a_${"0".repeat(16)}`,
    "0123456789abc",
    5,
    {},
  ];
  for (const text of others) assert.equal(isPersonId(text), false, String(text));
});
