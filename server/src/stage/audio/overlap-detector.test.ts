import assert from "node:assert/strict";
import { test } from "node:test";
import { createOverlapDetector } from "./overlap-detector.ts";

const speaking = (count: number) => Array.from({ length: count }, (_, seat) => ({ seat, levelDbov: 25 }));

test("four who speak at once for a second are a crowd, and three for a second are none again", () => {
  const isOverlapping = createOverlapDetector();
  const counts = [4, 4, 4, 4, 3, 4, 4, 4, 4, 4, 4, 3, 3, 4, 3, 3, 3, 3, 3, 3];
  const told = counts.map((count) => isOverlapping(speaking(count)));
  assert.equal(told.indexOf(true), 9);
  assert.equal(told.lastIndexOf(true), 17);
});

test("microphones that are open and faint make no crowd", () => {
  const isOverlapping = createOverlapDetector();
  const faint = [...speaking(3), { seat: 9, levelDbov: 56 }];
  for (let slot = 0; slot < 20; slot += 1) assert.equal(isOverlapping(faint), false);
});
