import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Refusal } from "./errors.ts";
import { cleanName, cleanTitle } from "./text.ts";

function refusalOf(text: unknown, clean = cleanName): string {
  try {
    return `"${clean(text)}"`;
  } catch (error) {
    assert.ok(error instanceof Refusal);
    return `${error.code}: ${error.message}`;
  }
}

test("keeps names of every script, and emoji", () => {
  for (const name of [
    "Ada Lovelace",
    "Zoë O’Neill-Núñez",
    "Nguyễn Thị Ánh",
    "Андрей",
    "Ελένη",
    "אֱלִיעֶזֶר",
    "محمد",
    "می\u200cخواهم",
    "क्\u200dष राम",
    "ශ්\u200dරී",
    "မြွှေ့",
    "ที่รัก",
    "葛\u{E0100}城",
    "김민준",
    "Ada 👩\u200d🚀",
    "❤\uFE0F Ben 👍🏽",
    "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
    "1\uFE0F\u20E3",
  ]) {
    assert.equal(cleanName(name), name.normalize("NFC"), JSON.stringify(name));
  }
});

test("a name of blank letters and signs that are not seen is empty", () => {
  for (const blank of [
    "\u3164",
    "\u115F",
    "\uFFA0",
    "\u2800\u2800",
    "\u200B",
    "\u00AD\u034F",
    "\u{E0041}",
    "\u{1D159}",
    " \u00A0 ",
  ]) {
    assert.equal(refusalOf(blank), "bad-name: The name is empty.", JSON.stringify(blank));
    assert.equal(refusalOf(blank, cleanTitle), "bad-title: The title is empty.", JSON.stringify(blank));
  }
});

test("leaves out signs that are not seen, and reads blank letters as spaces", () => {
  for (const disguised of [
    "A\u200Bd\u200Da",
    "Ada\u{E0048}\u{E006F}\u{E0073}\u{E0074}",
    "A\u00ADda\uFE0F",
    "\u2060Ada\u180E",
    "\u3164Ada\u2800",
  ]) {
    assert.equal(cleanName(disguised), "Ada", JSON.stringify(disguised));
  }
  assert.equal(cleanName("Ada\u3164Byron"), "Ada Byron");
  assert.equal(cleanName("Ada \u200B Byron"), "Ada Byron");
  assert.equal(cleanName("می\u200c\u200cخواهم"), "میخواهم");
});

test("refuses controls, overrides of direction, and marks that stand alone or in a stack", () => {
  for (const text of ["Ada\u0000", "\u202Eada", "\u2066Ada", "Ada\uFFFC", "Ada\uFFFE", "Ada\uD800"]) {
    assert.equal(refusalOf(text), "bad-name: The name has characters that cannot be shown.", JSON.stringify(text));
  }
  assert.match(refusalOf(`A${"\u0301\u0316".repeat(28)}da`), /more than 4 marks on one character/);
  assert.match(refusalOf(`A${"\u0316\u200B".repeat(28)}da`), /more than 4 marks on one character/);
  assert.match(refusalOf("\u0301Ada"), /begins with a mark/);
});

test("counts the characters that remain", () => {
  assert.equal(cleanName(`${"a".repeat(60)}${"\u200B".repeat(60)}`), "a".repeat(60));
  assert.match(refusalOf("a".repeat(61)), /more than 60 characters/);
  assert.match(refusalOf("\u200B".repeat(481)), /more than 60 characters/);
  for (const wrong of [undefined, null, 7, {}]) assert.match(refusalOf(wrong), /not a text/);
});

test("a clean name is showable and is the same when it is cleaned again, whatever the text", () => {
  const signs = fc.constantFrom(
    ..."Aé한葛क\u094Dم👩❤1",
    "\u200B",
    "\u200C",
    "\u200D",
    "\uFE0F",
    "\u0301",
    "\u{E0067}",
    "\u{E007F}",
    "🏴",
  );
  const text = fc.oneof(
    fc.array(signs, { maxLength: 20 }).map((parts) => parts.join("")),
    fc.string({ unit: "binary" }),
  );
  const property = fc.property(text, (given) => {
    let name: string;
    try {
      name = cleanName(given);
    } catch (error) {
      assert.ok(error instanceof Refusal && error.code === "bad-name");
      return;
    }
    assert.equal(cleanName(name), name);
    assert.doesNotMatch(name, /[\p{Cc}\p{Cs}\u200B\u2060\u3164\u2800]|[\p{Mn}\p{Me}]{5}/u);
  });
  fc.assert(property, { numRuns: 2_000 });
});
