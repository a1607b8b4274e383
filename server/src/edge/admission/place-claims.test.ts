import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import fc from "fast-check";
import { SPACE } from "../../replica/testing/fake-upstream.ts";
import { type Claim, createHmacSha256, createPlaceClaims } from "./place-claims.ts";

const SECRET = new Uint8Array(32).fill(7);

function create(secret = SECRET) {
  const clock = manualClock();
  const claims = createPlaceClaims(clock, secret);
  const claim = (kind: Claim["kind"]): Claim => ({ kind, id: claims.newId(), utcMs: clock.utcMs() });
  return { clock, claims, claim };
}

test("every edge with the same secret believes a claim, for its own space only", () => {
  const { claims, claim } = create();
  for (const kind of ["waiting", "listening"] as const) {
    const one = claim(kind);
    const text = claims.sign(SPACE, one);
    assert.ok(text.length <= 64, text);
    assert.deepEqual(create().claims.read(SPACE, text), one);
    assert.equal(claims.read("otherspace", text), undefined);
    assert.equal(create(new Uint8Array(32).fill(8)).claims.read(SPACE, text), undefined);
  }
});

test("a claim with any character changed is no claim, nor is any other text", () => {
  const { claims, claim } = create();
  const text = claims.sign(SPACE, claim("listening"));
  for (let at = 0; at < text.length; at++) {
    for (const other of ["w", "A", ".", "é"]) {
      if (text[at] === other) continue;
      assert.equal(claims.read(SPACE, text.slice(0, at) + other + text.slice(at + 1)), undefined, `${at} ${other}`);
    }
  }
  assert.equal(claims.read(SPACE, undefined), undefined);
  fc.assert(fc.property(fc.string(), (any) => assert.equal(claims.read(SPACE, any), undefined)));
});

test("a wait is believed for six hours and a place for a day, and neither before its time", () => {
  const { clock, claims, claim } = create();
  const waiting = claims.sign(SPACE, claim("waiting"));
  const listening = claims.sign(SPACE, claim("listening"));
  const early = claims.sign(SPACE, { ...claim("listening"), utcMs: clock.utcMs() + 120_000 });
  assert.equal(claims.read(SPACE, early), undefined);
  clock.advance(6 * 3_600_000);
  assert.ok(claims.read(SPACE, waiting));
  clock.advance(1);
  assert.equal(claims.read(SPACE, waiting), undefined);
  clock.advance(18 * 3_600_000 - 1);
  assert.ok(claims.read(SPACE, listening));
  clock.advance(1);
  assert.equal(claims.read(SPACE, listening), undefined);
});

test("the signature is HMAC-SHA-256, for keys of any length", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (key, text) => {
      assert.deepEqual(createHmacSha256(key)(text), createHmac("sha256", key).update(text).digest());
    }),
  );
});

test("no two of many ids are equal", () => {
  const { claims } = create();
  assert.equal(new Set(Array.from({ length: 2_000 }, () => claims.newId())).size, 2_000);
});
