import assert from "node:assert/strict";
import { test } from "node:test";
import { looksLike } from "./look-alike.ts";

test("names that people would take for each other look alike", () => {
  for (const [one, other] of [
    ["Ada", "Ada"],
    ["Ada", "ADA"],
    ["Ada", "Аdа"],
    ["Ada", "A\u200Bda"],
    ["Ada", "Ada\u{E0068}"],
    ["Ada", "Àdâ"],
    ["Ada", "𝐀𝐝𝐚"],
    ["Ada", "ＡＤＡ"],
    ["Ada", "Ada (Host) ✓"],
    ["Ada", "★ Ada ★ — official"],
    ["Ada Byron", "Ada\u00A0Byron"],
    ["Ada Byron", "AdaByron"],
    ["Paul", "PauI"],
    ["Paul", "Pau1"],
    ["Oona", "00na"],
    ["Amo", "Arno"],
    ["Иван", "Ивaн"],
    ["Андрей", "Андреи"],
    ["Νίκος", "Nικoς"],
    ["🎉", "🎉"],
    ["Host", "(host)"],
  ] as const) {
    assert.equal(looksLike(one, other), true, `${one} and ${other}`);
    assert.equal(looksLike(other, one), true, `${other} and ${one}`);
  }
});

test("names that differ for the eye do not look alike", () => {
  for (const [one, other] of [
    ["Ada", "Ava"],
    ["Ada", "Ada Byron"],
    ["Anna (Berlin)", "Anna (Paris)"],
    ["राम", "रम"],
    ["かき", "がき"],
    ["김민준", "김민주"],
    ["محمد", "محمود"],
    ["🎉", "🎈"],
    ["Ada", "Host"],
  ] as const) {
    assert.equal(looksLike(one, other), false, `${one} and ${other}`);
  }
});
