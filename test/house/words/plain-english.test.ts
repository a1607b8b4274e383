import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNone, messages, repository } from "../reading/repository.ts";
import { idleExcuses, judgeEnglish } from "./plain-english.ts";
import { excuses } from "./plain-english-excuses.ts";

const texts = [...repository.code, ...repository.documents, ...repository.sheets];

test("comments, test names and documents use no phrase that the house bans", () => {
  const findings = texts.flatMap((file) => judgeEnglish(file, excuses));
  assertNone([...findings, ...idleExcuses(texts, excuses)]);
});

for (const [path, text] of [
  ["wire/x.ts", "// Who has a place keeps it."],
  ["wire/x.ts", "// The slot is sent. Whoever comes later gets the next one."],
  ["wire/x.ts", "/** What is late is dropped. */"],
  ["wire/x.ts", "/* The page\n * is made\n * anew. */"],
  ["wire/x.ts", "// Waits so\n// long, and then closes."],
  ["wire/x.ts", "// Seconds between so many tries."],
  ["wire/x.ts", "// A number that is none."],
  ["wire/x.ts", "const a = 1; // The edge is told."],
  ["wire/x.ts", "// A reader is told the slot."],
  ["wire/x.ts", "// The count is said at most once a second."],
  ["wire/x.ts", "// It closes by itself."],
  ["wire/x.ts", "// Sent to the host alone."],
  ["wire/x.ts", "// Owns the door."],
  ["wire/x.ts", "// Opens the door. Refuses to close it."],
  ["wire/x.test.ts", 'test("who has a place keeps it", () => {});'],
  ["wire/x.test.ts", "test(`U1 U9 whatever comes`, () => {});"],
  ["web/X.svelte", "<!-- What is late is dropped. -->\n<p>Who are you</p>"],
  ["web/app.css", "p { /* The page\n is made anew. */ }"],
  ["docs/x.md", "# What\n\nA paragraph.\nWords. Who has a place keeps it.\n"],
  ["docs/x.md", "- A list\n- What is late is dropped.\n"],
] as const) {
  test(`${path} with ${JSON.stringify(text)} is a finding`, () => {
    const found = judgeEnglish({ path, text: `${text}\n` }, []);
    assert.equal(found.length, 1, messages(found).join("\n"));
  });
}

for (const [path, text] of [
  ["wire/x.ts", "// Who is on air? The fold says."],
  ["wire/x.ts", "// What the page shows of a space."],
  ["wire/x.ts", "// What happens to a write when the queue is full."],
  ["wire/x.ts", "// `undefined` where there is none."],
  ["wire/x.ts", "// Takes so long that the reader has gone; two voices are told apart; let alone a third."],
  ["wire/x.ts", 'const a = "Who came is told anew";'],
  ["wire/x.ts", "// A listener\nconst a = 1; // who waits."],
  ["wire/x.test.ts", 'test("a listener who waits gets a place", () => {});'],
  ["docs/x.md", "# What is new\n\n```\nWho is told\n```\n\n> Who is told\n"],
] as const) {
  test(`${path} with ${JSON.stringify(text)} is no finding`, () => {
    assert.deepEqual(messages(judgeEnglish({ path, text: `${text}\n` }, [])), []);
  });
}

test("a finding is at the line on which its phrase stands", () => {
  const text = "const a = 1;\n// The page is\n// made anew.\n";
  assert.equal(judgeEnglish({ path: "wire/x.ts", text }, [])[0]?.line, 3);
});

test("an excuse covers its own words only, and is a finding once they are gone", () => {
  const file = { path: "wire/x.ts", text: "// RFC 1 says: made anew.\n// And this is made anew.\n" };
  const excuse = { path: "wire/x.ts", text: "RFC 1 says: made anew", reason: "a quotation" };
  assert.equal(judgeEnglish(file, [excuse]).length, 1);
  assert.deepEqual(idleExcuses([file], [excuse]), []);
  assert.equal(idleExcuses([{ ...file, text: "" }], [excuse]).length, 1);
});
