import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNone, messages, repository } from "../reading/repository.ts";
import { excuses } from "./excuses.ts";
import { fileLinesMax, functionLinesMax, judgeLengths, lengthsOf, pastAim } from "./lengths.ts";

const shownCount = 5;
const longFunction = { path: "wire/x.ts", text: `function long() {\n${"1;\n".repeat(functionLinesMax)}}\n` };

test("no file and no function is too long, except by an excuse, and every excuse is needed", (context) => {
  const lengths = repository.code.flatMap(lengthsOf);
  const past = pastAim(lengths);
  const worst = past.slice(0, shownCount).map(({ path, name, lines }) => `${path} ${name ?? ""} ${lines}`);
  context.diagnostic(`${past.length} of ${lengths.length} files and functions are past the aim: ${worst.join("; ")}`);
  assertNone(judgeLengths(lengths, excuses));
});

test("a file past the limit is a finding, and one at the limit is not", () => {
  const at = { path: "wire/x.ts", text: "1;\n".repeat(fileLinesMax) };
  assert.deepEqual(judgeLengths(lengthsOf(at), []), []);
  assert.equal(judgeLengths(lengthsOf({ ...at, text: `${at.text}1;\n` }), []).length, 1);
});

test("a function past the limit is a finding that names it", () => {
  assert.deepEqual(messages(judgeLengths(lengthsOf(longFunction), [])), [
    "wire/x.ts:1 the function long has 62 lines, more than 60",
  ]);
});

test("an excuse covers its file or function up to its own length", () => {
  const excuse = { path: "wire/x.ts", name: "long", lines: 62, reason: "a table" };
  assert.deepEqual(judgeLengths(lengthsOf(longFunction), [excuse]), []);
  assert.equal(judgeLengths(lengthsOf(longFunction), [{ ...excuse, lines: 61 }]).length, 1);
});

test("an excuse that nothing needs is a finding", () => {
  const excuse = { path: "wire/gone.ts", lines: 500, reason: "a table" };
  assert.match(judgeLengths([], [excuse])[0]?.message ?? "", /not needed any more/);
});

test("the callback of describe has no limit", () => {
  const text = longFunction.text.replace("function long() {", 'describe("x", () => {').replace(/}\n$/, "});\n");
  assert.deepEqual(judgeLengths(lengthsOf({ path: "wire/x.test.ts", text }), []), []);
});

test("named functions inside a function are counted on their own", () => {
  const inner = `  function inner() {\n${"    1;\n".repeat(58)}  }\n`;
  const text = `function outer() {\n${inner}  return { method() {\n${"    2;\n".repeat(50)}  } };\n}\n`;
  const lengths = lengthsOf({ path: "wire/x.ts", text });
  assert.deepEqual(
    lengths.filter(({ name }) => name !== undefined).map(({ name, lines }) => [name, lines]),
    [
      ["outer", 2],
      ["inner", 60],
      ["method", 52],
    ],
  );
});
