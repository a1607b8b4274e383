import assert from "node:assert/strict";
import { test } from "node:test";
import { english } from "./testing/english.ts";
import { agoPhrase, behindPhrase, measuredBehindPhrase, waitPhrase } from "./times.ts";

const { page } = english;
const { times } = page;

test("says how far behind a listener is in seconds, then in minutes, and calls small delays live", () => {
  assert.equal(behindPhrase(600, times), "live");
  assert.equal(behindPhrase(Number.NaN, times), "live");
  assert.equal(behindPhrase(4_200, times), "4 s behind");
  assert.equal(behindPhrase(200_000, times), "3 min behind");
});

test("says a measured lag with a tenth of a second while it is small", () => {
  assert.equal(measuredBehindPhrase(840, times), "0.8 s behind");
  assert.equal(measuredBehindPhrase(12_120, times), "12 s behind");
});

test("says how long ago something was, and after a day the date", () => {
  assert.equal(agoPhrase(0, 59_000, times), "just now");
  assert.equal(agoPhrase(0, 61_000, times), "1 minute ago");
  assert.equal(agoPhrase(0, 7_300_000, times), "2 hours ago");
  assert.match(agoPhrase(43_200_000, 200_000_000, times), /^on January \d, 1970$/);
});

test("says a wait in minutes up to an hour and a half, then in hours", () => {
  assert.equal(waitPhrase(900, times), "less than a minute");
  assert.equal(waitPhrase(60_000, times), "about 1 minute");
  assert.equal(waitPhrase(170_000, times), "about 3 minutes");
  assert.equal(waitPhrase(7_200_000, times), "about 2 hours");
});

test("says counts and positions as people do", () => {
  assert.equal(page.audience(0), "Nobody is listening");
  assert.equal(page.audience(1), "1 person is listening");
  assert.equal(page.audience(12_480), "12,480 people are listening");
  for (const [position, ordinal] of [
    [3, "3rd"],
    [11, "11th"],
    [22, "22nd"],
    [112, "112th"],
    [1_021, "1,021st"],
  ] as const)
    assert.equal(english.hearing.positionInQueue(position), `${ordinal} in line`);
});
