import assert from "node:assert/strict";
import { test } from "node:test";
import { type Machine, planTools } from "../testing/external-tools.ts";

test("installs nothing where every tool is found", () => {
  assert.deepEqual(planTools(machine(["chromium", "ffmpeg", "ffprobe"], true)), { kind: "ready" });
});

test("finds Chromium by any of its names", () => {
  assert.deepEqual(planTools(machine(["google-chrome", "ffmpeg", "ffprobe"], false)), { kind: "ready" });
});

test("installs each missing package once as root with apt-get", () => {
  const plan = planTools(machine(["apt-get"], true));
  assert.deepEqual(plan, { kind: "install", packages: ["chromium", "ffmpeg"] });
});

test("prints the apt-get line without root", () => {
  const plan = planTools(machine(["apt-get", "ffmpeg", "ffprobe"], false));
  assert.deepEqual(plan, {
    kind: "advise",
    advice: 'The tests need chromium: run "sudo apt-get update && sudo apt-get install -y chromium".',
  });
});

test("prints in one line what to install without apt-get", () => {
  const plan = planTools(machine([], true));
  assert.deepEqual(plan, {
    kind: "advise",
    advice: "The tests need chromium, ffmpeg, ffprobe: install chromium and ffmpeg so that they are on the PATH.",
  });
});

function machine(commands: readonly string[], isRoot: boolean): Machine {
  return { isRoot, find: (names) => names.find((name) => commands.includes(name)) };
}
