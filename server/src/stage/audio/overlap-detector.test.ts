import assert from "node:assert/strict";
import { test } from "node:test";
import { createOverlapDetector } from "./overlap-detector.ts";

const speaking = (count: number) => Array.from({ length: count }, (_, seat) => ({ seat, levelDbov: 25 }));

test("detects overlap after a second of four speakers, and its end after a second of three", () => {
  const isOverlapping = createOverlapDetector();
  const counts = [4, 4, 4, 4, 3, 4, 4, 4, 4, 4, 4, 3, 3, 4, 3, 3, 3, 3, 3, 3];
  const verdicts = counts.map((count) => isOverlapping(speaking(count)));
  assert.equal(verdicts.indexOf(true), 9);
  assert.equal(verdicts.lastIndexOf(true), 17);
});

test("faint open microphones are no overlap", () => {
  const isOverlapping = createOverlapDetector();
  const faint = [...speaking(3), { seat: 9, levelDbov: 56 }];
  for (let slot = 0; slot < 20; slot += 1) assert.equal(isOverlapping(faint), false);
});
