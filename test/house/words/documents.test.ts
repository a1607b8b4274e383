import assert from "node:assert/strict";
import { test } from "node:test";
import { ERROR_TABLE } from "@hustings/wire/errors.ts";
import { assertNone, repository } from "../reading/repository.ts";
import { judgeDecisions, judgeLinks, judgeTraces } from "./documents.ts";
import { errorsDocument } from "./generated.ts";

test("every decision is named NNNN-title.md, and no number is used twice", () => {
  assertNone(judgeDecisions(repository.paths));
});

test("every relative link of every document resolves", () => {
  assertNone(repository.documents.flatMap((document) => judgeLinks(document, repository.paths)));
});

test("no file carries the path of one machine or a package registry's address", () => {
  assertNone(repository.texts.flatMap(judgeTraces));
});

test("docs/errors.md matches the error table (npm run docs writes it)", () => {
  assert.equal(repository.text("docs/errors.md"), errorsDocument(ERROR_TABLE));
});

test("a decision with another kind of name, or with a number that is taken, is a finding", () => {
  const paths = ["docs/decisions/0001-a.md", "docs/decisions/0001-b.md", "docs/decisions/2-c.md", "docs/wire.md"];
  assert.deepEqual(
    judgeDecisions(paths).map(({ path }) => path),
    ["docs/decisions/0001-b.md", "docs/decisions/2-c.md"],
  );
});

test("a link to a missing file is a finding; one to a file, a folder, a heading or the web is not", () => {
  const text = "[a](b.md) [b](../wire/) [c](#here) [d](https://example.org) [e](gone.md#x)\n```\n[f](g)\n```\n";
  const found = judgeLinks({ path: "docs/a.md", text }, ["docs/b.md", "wire/ids.ts"]);
  assert.deepEqual(
    found.map(({ message }) => message),
    ["links to gone.md, which is not there"],
  );
});

test("a machine's path and a registry's address are findings; web paths and relative ones are not", () => {
  const bad = [`cd /${"work"}/main`, `/${"home"}/ann/x`, `"/${"Users"}/ann"`, `https://registry.${"npmjs"}.org/ws`];
  for (const text of bad) assert.equal(judgeTraces({ path: "x.md", text }).length, 1, text);
  const good = ["GET /s/:space", "test/work/x.ts", "https://example.org/home/ann", "/var/lib/hustings"];
  for (const text of good) assert.deepEqual(judgeTraces({ path: "x.md", text }), [], text);
});

test("a pipe in the error table does not break the document's table", () => {
  const document = errorsDocument({ odd: { status: 400, what: "a|b", todo: "c" } });
  assert.match(document, /^\| `odd` \| 400 \| {2}\| a\\\|b \| c \|$/m);
});
