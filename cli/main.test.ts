// Proves what a person meets who asks the command line wrongly: every mistake named at once, help, and an exit code.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

test("without a command, and with --help, it says what there is", () => {
  for (const args of [[], ["--help"], ["help"]]) {
    const { status, stdout } = hustings(args);
    assert.equal(status, 0);
    for (const name of ["serve", "stop", "doctor", "speak", "listen", "demo"]) {
      assert.match(stdout, new RegExp(`hustings ${name} `));
    }
  }
});

test("every command explains itself", () => {
  for (const name of ["serve", "stop", "doctor", "speak", "listen", "demo"]) {
    const { status, stdout, stderr } = hustings([name, "--help"]);
    assert.deepEqual([status, stderr], [0, ""], name);
    assert.match(stdout, new RegExp(`^hustings ${name}`));
  }
});

test("a command that is none ends with 2 and the list of those that are", () => {
  const { status, stderr } = hustings(["srve"]);
  assert.equal(status, 2);
  assert.match(stderr, /^There is no command "srve"\.\n[\s\S]*hustings serve/);
});

test("all mistakes in the settings of serve are named at once, and nothing starts", () => {
  const { status, stdout, stderr } = hustings(["serve", "extra", "--prot", "--port", "x", "--edges", "0"], {
    HUSTINGS_UDP_PORT: "many",
  });
  assert.deepEqual([status, stdout], [2, ""]);
  assert.deepEqual(stderr.trim().split("\n"), [
    '"extra" belongs to no flag.',
    "There is no setting --prot.",
    '--port must be a whole number from 1 to 65535, not "x".',
    'HUSTINGS_UDP_PORT must be a whole number from 1 to 65535, not "many".',
    '--edges must be a whole number from 1 to 256, not "0".',
    '"hustings serve --help" says what it takes.',
  ]);
});

test("an unknown flag of another command is named, and a flag without its value", () => {
  assert.match(hustings(["stop", "--colour"]).stderr, /^Unknown option '--colour'\. "hustings stop --help"/);
  assert.match(hustings(["serve", "--port"]).stderr, /^--port needs a value\./);
});

test("nothing to stop is said, and is no failure", () => {
  const { status, stdout } = hustings(["stop", "--data", "no-such-directory"]);
  assert.equal(status, 0);
  assert.match(stdout, /^Nothing runs on .*no-such-directory\.\n$/);
});

function hustings(args: readonly string[], environment: Record<string, string> = {}) {
  const env = { ...process.env, ...environment };
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8", env, timeout: 60_000 });
}
