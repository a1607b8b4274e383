import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { literalsOf } from "./testing/literals.ts";

const WEB = join(import.meta.dirname, "..");

test("no component writes a text itself", () => {
  const paths = readdirSync(WEB, { recursive: true, encoding: "utf8" }).filter(
    (path) => path.endsWith(".svelte") && !/^(?:dist|node_modules)\b/.test(path),
  );
  assert.ok(paths.length > 20);
  const found = paths.flatMap((path) =>
    literalsOf(readFileSync(join(WEB, path), "utf8")).map((literal) => `${path}: ${literal}`),
  );
  assert.deepEqual(found, []);
});

test("finds a text in markup, in a spoken attribute, in an expression and in a script", () => {
  assert.deepEqual(literalsOf("<p>Hello</p>"), ["Hello"]);
  assert.deepEqual(literalsOf('<button aria-label="Close">×</button>'), ["Close"]);
  assert.deepEqual(literalsOf("<p>{isOpen ? 'Close' : text.open}</p>"), ["Close"]);
  assert.deepEqual(literalsOf(`<p>{\`\${name} left\`}</p>`), [" left"]);
  assert.deepEqual(literalsOf("{#if isOpen}<p>Open</p>{/if}"), ["Open"]);
  assert.deepEqual(literalsOf("<script>let status = 'Link copied.';</script>"), ["Link copied."]);
});

test("ignores class names, comparisons, addresses and code", () => {
  assert.deepEqual(literalsOf('<p class="soft">{phase === "live" ? text.live : ""} · {name}</p>'), []);
  assert.deepEqual(literalsOf('<a href="/" onclick={() => go("Home page")}>{text.home}</a>'), []);
  assert.deepEqual(literalsOf('<script>import { a } from "./a.ts"; const key = "hustings.name";</script>'), []);
});
