import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { PATIENCE_MS } from "../test/testing/until.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

test("lists the commands without arguments and with --help", () => {
  for (const args of [[], ["--help"], ["help"]]) {
    const { status, stdout } = hustings(args);
    assert.equal(status, 0);
    for (const name of ["serve", "stop", "doctor", "speak", "listen", "demo"]) {
      assert.match(stdout, new RegExp(`hustings ${name} `));
    }
  }
});

test("every command has a help text", () => {
  for (const name of ["serve", "stop", "doctor", "speak", "listen", "space", "demo"]) {
    const { status, stdout, stderr } = hustings([name, "--help"]);
    assert.deepEqual([status, stderr], [0, ""], name);
    assert.match(stdout, new RegExp(`^hustings ${name}`));
  }
});

test("an unknown command exits with 2 and lists the known ones", () => {
  const { status, stderr } = hustings(["srve"]);
  assert.equal(status, 2);
  assert.match(stderr, /^There is no command "srve"\.\n[\s\S]*hustings serve/);
});

test("serve names all mistakes in its settings at once and starts nothing", () => {
  const { status, stdout, stderr } = hustings(["serve", "extra", "--prot", "--port", "x", "--edges", "0"], {
    HUSTINGS_UDP_PORT: "many",
  });
  assert.deepEqual([status, stdout], [2, ""]);
  assert.deepEqual(stderr.trim().split("\n"), [
    '"extra" belongs to no option.',
    "There is no setting --prot.",
    '--port must be a whole number from 1 to 65535, not "x".',
    'HUSTINGS_UDP_PORT must be a whole number from 1 to 65535, not "many".',
    '--edges must be a whole number from 1 to 256, not "0".',
    '"hustings serve --help" lists the options.',
  ]);
});

test("names an unknown flag, and a flag without its value", () => {
  assert.match(hustings(["stop", "--colour"]).stderr, /^Unknown option '--colour'\. "hustings stop --help"/);
  assert.match(hustings(["serve", "--port"]).stderr, /^--port needs a value\./);
});

test("stop succeeds when no server runs", () => {
  const { status, stdout } = hustings(["stop", "--data", "no-such-directory"]);
  assert.equal(status, 0);
  assert.match(stdout, /^No server runs on .*no-such-directory\.\n$/);
});

function hustings(args: readonly string[], environment: Record<string, string> = {}) {
  const env = { ...process.env, ...environment };
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8", env, timeout: PATIENCE_MS });
}
