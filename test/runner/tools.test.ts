// Proves what the test set-up does about programs that npm does not bring.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Machine, planTools } from "../support/chromium.ts";

test("nothing is installed where every tool is found", () => {
  assert.deepEqual(planTools(machine(["chromium", "ffmpeg", "ffprobe"], true)), { kind: "ready" });
});

test("Chromium is found by any of its names", () => {
  assert.deepEqual(planTools(machine(["google-chrome", "ffmpeg", "ffprobe"], false)), { kind: "ready" });
});

test("root with apt-get installs the missing packages, each once", () => {
  const plan = planTools(machine(["apt-get"], true));
  assert.deepEqual(plan, { kind: "install", packages: ["chromium", "ffmpeg"] });
});

test("without root the person is told the apt-get line", () => {
  const plan = planTools(machine(["apt-get", "ffmpeg", "ffprobe"], false));
  assert.deepEqual(plan, {
    kind: "advise",
    advice: 'The tests need chromium: run "sudo apt-get update && sudo apt-get install -y chromium".',
  });
});

test("without apt-get the person is told in one line what to install", () => {
  const plan = planTools(machine([], true));
  assert.deepEqual(plan, {
    kind: "advise",
    advice: "The tests need chromium, ffmpeg, ffprobe: install chromium and ffmpeg so that they are on the PATH.",
  });
});

function machine(commands: readonly string[], isRoot: boolean): Machine {
  return { isRoot, find: (names) => names.find((name) => commands.includes(name)) };
}
