import assert from "node:assert/strict";
import { test } from "node:test";
import { passClaimsOf, ticketClaimsOf } from "./tickets.ts";

const bearer = { iss: "hustings", sub: "g_0123456789abcdef", name: "Ada", exp: 5 };
const ticket = { ...bearer, aud: "0123456789", use: "act", gen: 1 };
const pass = { ...bearer, use: "renew" };

test("reads a ticket only when every claim is there and of the right kind", () => {
  assert.equal(ticketClaimsOf(ticket)?.expiresUtcMs, 5000);
  for (const key of Object.keys(ticket)) {
    assert.equal(ticketClaimsOf({ ...ticket, [key]: undefined }), undefined, key);
    assert.equal(ticketClaimsOf({ ...ticket, [key]: {} }), undefined, key);
  }
});

test("reads a pass with or without a space, and only when every other claim is there", () => {
  assert.equal(passClaimsOf(pass)?.person, bearer.sub);
  assert.equal(passClaimsOf({ ...pass, aud: "0123456789" })?.space, "0123456789");
  for (const key of [...Object.keys(pass), "aud"]) assert.equal(passClaimsOf({ ...pass, [key]: {} }), undefined, key);
});

test("a pass is not a ticket, and a ticket is not a pass", () => {
  assert.equal(ticketClaimsOf({ ...ticket, use: "renew" }), undefined);
  assert.equal(passClaimsOf({ ...pass, use: "act" }), undefined);
});
