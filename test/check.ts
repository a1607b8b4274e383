// Runs `npm run check`: types, lint and format, and the house rules, two jobs at a time.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { listFiles } from "./house/reading/tree.ts";

interface Job {
  readonly name: string;
  /** A script below the root, run with this Node, and its arguments. */
  readonly args: readonly string[];
}

interface Outcome {
  readonly isGood: boolean;
  readonly output: string;
  readonly durationMs: number;
}

const root = fileURLToPath(new URL("..", import.meta.url));
const cacheFolder = "node_modules/.cache/hustings";
const sideBySide = 2;
const svelteCheck = [
  "node_modules/svelte-check/bin/svelte-check",
  ...["--workspace", "web", "--tsconfig", "../tsconfig.browser.json", "--fail-on-warnings", "--output", "human"],
];

await main();

async function main(): Promise<void> {
  const jobs = planJobs(listFiles(root));
  const running: Promise<Outcome>[] = [];
  for (const job of jobs) {
    const turn = running[running.length - sideBySide];
    running.push(turn === undefined ? runJob(job) : turn.then(() => runJob(job)));
  }
  const failed: string[] = [];
  for (const [index, outcome] of running.entries()) {
    const { isGood, output, durationMs } = await outcome;
    const name = jobs[index]?.name ?? "";
    if (!isGood) failed.push(name);
    process.stdout.write(`${isGood ? "✔" : "✖"} ${name} (${(durationMs / 1000).toFixed(1)} s)\n`);
    if (!isGood) process.stdout.write(`${output.replace(/^✔ .*\n/gm, "").trimEnd()}\n\n`);
  }
  const sentence = `${failed.length} of ${jobs.length} checks fail:\n${failed.map((name) => `  ✖ ${name}\n`).join("")}`;
  process.stdout.write(failed.length === 0 ? "All checks pass.\n" : sentence);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

function planJobs(paths: readonly string[]): Job[] {
  const rules = paths.filter((path) => /^test\/(?:house|runner)\/.+\.test\.ts$/.test(path));
  const components = paths.some((path) => path.startsWith("web/") && path.endsWith(".svelte"));
  return [
    { name: "types: wire, flow, media", args: tscOf("pure") },
    { name: "types: listener, web", args: tscOf("browser") },
    { name: "types: server, cli, tests", args: tscOf("node") },
    { name: "types: tests of the page", args: tscOf("browser-tests") },
    ...(components ? [{ name: "types: Svelte components", args: svelteCheck }] : []),
    {
      name: "lint and format",
      args: ["node_modules/@biomejs/biome/bin/biome", "ci", "--colors=off", "--error-on-warnings", "."],
    },
    { name: "house rules", args: ["--test", "--test-isolation=none", "--test-reporter=spec", ...rules] },
  ];
}

function tscOf(world: string): string[] {
  const buildInfo = ["--incremental", "--tsBuildInfoFile", `${cacheFolder}/${world}.tsbuildinfo`];
  return ["node_modules/typescript/bin/tsc", "-p", `tsconfig.${world}.json`, ...buildInfo];
}

function runJob(job: Job): Promise<Outcome> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NODE_COMPILE_CACHE: `${cacheFolder}/compiled` };
    const child = spawn(process.execPath, job.args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    const parts: Buffer[] = [];
    child.stdout.on("data", (bytes: Buffer) => parts.push(bytes));
    child.stderr.on("data", (bytes: Buffer) => parts.push(bytes));
    child.on("error", reject);
    child.on("close", (code) => {
      const output = Buffer.concat(parts).toString();
      resolve({ isGood: code === 0, output, durationMs: performance.now() - startedMs });
    });
  });
}
