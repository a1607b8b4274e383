import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNone, messages, repository } from "../reading/repository.ts";
import { judgeDeclared, judgeLock, judgeVersions } from "./packages.ts";

test("every dependency of every workspace is an exact version", () => {
  assertNone(repository.manifests.flatMap(judgeVersions));
});

test("package-lock.json names no host and has an integrity hash for every package", () => {
  assertNone(judgeLock({ path: "package-lock.json", text: repository.text("package-lock.json") }));
});

test("every package that is imported is declared by its workspace", () => {
  assertNone(judgeDeclared(repository.code, repository.manifests));
});

test("a range, a tag and an address are findings", () => {
  const dependencies = { a: "^1.0.0", b: "latest", c: "https://example.org/c.tgz", d: "1.2.3", e: "1.2.3-beta.1" };
  const found = judgeVersions({ path: "x/package.json", text: JSON.stringify({ dependencies }) });
  assert.deepEqual(
    found.map(({ message }) => message[0]),
    ["a", "b", "c"],
  );
});

test("a lock entry with a host, or without integrity, is a finding, and a workspace's link is not", () => {
  const packages = {
    "node_modules/a": { resolved: "https://example.org/a.tgz", integrity: "sha512-x" },
    "node_modules/b": { version: "1.0.0" },
    "node_modules/@hustings/wire": { resolved: "wire", link: true },
    wire: { version: "0.1.0" },
  };
  assert.deepEqual(messages(judgeLock({ path: "lock", text: JSON.stringify({ packages }) })), [
    "lock:1 node_modules/a is tied to a host",
    "lock:1 node_modules/b has no integrity",
  ]);
});

test("an import that the workspace does not declare is a finding; a test may use what any workspace declares", () => {
  const manifests = [
    { path: "package.json", text: '{"devDependencies":{"fast-check":"4.0.0"}}' },
    { path: "web/package.json", text: '{"dependencies":{"svelte":"5.0.0"}}' },
  ];
  const text =
    'import "svelte/store"; import "fast-check"; import "@hustings/web/a.ts"; import "node:fs"; import "fs";';
  assert.deepEqual(messages(judgeDeclared([{ path: "web/x.ts", text }], manifests)), [
    "web/x.ts:1 fast-check is not declared in package.json",
  ]);
  assert.deepEqual(judgeDeclared([{ path: "web/x.test.ts", text }], manifests), []);
});
