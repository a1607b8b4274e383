import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createSpeakingDetector, levelDbov } from "./level.ts";

test("silence is 127, a full-scale square wave 0, a full-scale sine 3", () => {
  assert.equal(levelDbov(new Float32Array(960)), 127);
  assert.equal(levelDbov(new Float32Array(960).fill(-1)), 0);
  assert.equal(levelDbov(Float32Array.from({ length: 960 }, (_, index) => Math.sin((Math.PI * index) / 24))), 3);
  assert.equal(levelDbov(new Float32Array(0)), 127);
});

test("a level is a whole number from 0 to 127 for any samples", () => {
  const property = fc.property(fc.float32Array({ maxLength: 100 }), (pcm) => {
    const level = levelDbov(pcm);
    assert.ok(Number.isInteger(level) && level >= 0 && level <= 127);
  });
  fc.assert(property);
});

test("speaking starts after 40 ms of voice, lasts through a pause of 380 ms, and ends after 400 ms", () => {
  const speaking = createSpeakingDetector();
  const feed = (level: number, packets: number) => Array.from({ length: packets }, () => speaking(level)).at(-1);
  assert.equal(feed(20, 1), false, "a knock");
  assert.equal(feed(90, 3), false);
  assert.equal(feed(20, 2), true);
  assert.equal(feed(90, 19), true);
  assert.equal(feed(50, 1), true, "quiet voice keeps it");
  assert.equal(feed(90, 20), false);
  assert.equal(feed(50, 50), false, "quiet voice does not start it");
});
