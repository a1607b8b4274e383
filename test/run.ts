// Runs `npm test`: prepares what the tests need, runs the test files pass by pass, and prints the sum. Arguments are
// parts of paths: `npm test -- media wire/ids` runs the files whose path contains one of them.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";
import { listFiles } from "./house/reading/tree.ts";
import { type Counts, noCounts, type Pass, passes, selectTests, sum, verdict } from "./runner/selection.ts";
import { ensureTools } from "./testing/external-tools.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const testTimeoutMs = readTestTimeoutMs();
// A file that reports nothing for longer than any test may take has hung outside its tests.
const silenceMs = testTimeoutMs + 60_000;
// Test files and the servers that they start find compiled sources here, which halves the time to start a process.
process.env["NODE_COMPILE_CACHE"] ??= join(root, "node_modules/.cache/hustings/compiled");

await main(process.argv.slice(2));

async function main(filters: readonly string[]): Promise<void> {
  const files = selectTests(listFiles(root), filters);
  prepare(files);
  let counts = noCounts;
  for (const pass of passes(files, availableParallelism())) {
    if (pass.files.length === 0) continue;
    process.stdout.write(`\n${pass.name}: ${pass.files.length} files, ${pass.concurrency} at a time\n`);
    counts = sum(counts, await runPass(pass));
  }
  const { isGood, lines } = verdict(counts);
  process.stdout.write(`\n${lines.join("\n")}\n`);
  process.exitCode = isGood ? 0 : 1;
}

function prepare(files: readonly string[]): void {
  ensureToolsOrStop();
  const needsPages = files.some((file) => /^(?:web|cli|drill|test\/(?!house\/|runner\/))/.test(file));
  const script = join(root, "web/build/build.ts");
  if (!needsPages || !existsSync(script)) return;
  const { status } = spawnSync(process.execPath, [script], { cwd: root, stdio: "inherit" });
  if (status !== 0) throw new Error(`web/build/build.ts ended with ${status}`);
}

function ensureToolsOrStop(): void {
  try {
    ensureTools();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

async function runPass({ files, concurrency, isLive }: Pass): Promise<Counts> {
  const silence = new AbortController();
  const watch = setTimeout(() => silence.abort(new Error(`no test reported anything in ${silenceMs} ms`)), silenceMs);
  const stream = run({
    files: files.map((file) => join(root, file)),
    cwd: root,
    concurrency,
    // The WebRTC library holds on to a channel that was closed before it opened, and would keep a finished file alive.
    execArgv: [`--test-timeout=${testTimeoutMs}`, ...(isLive ? ["--test-force-exit"] : [])],
    signal: silence.signal,
  });
  let counts = noCounts;
  stream.on("data", () => watch.refresh());
  stream.on("test:summary", ({ file, counts: { tests, passed, skipped, todo } }) => {
    if (file === undefined) counts = { passed, skipped, todo, failed: tests - passed - skipped - todo };
  });
  for await (const text of stream.compose(new spec())) process.stdout.write(text as string);
  clearTimeout(watch);
  return counts;
}

function readTestTimeoutMs(): number {
  const text = process.env["HUSTINGS_TEST_TIMEOUT_MS"] ?? "600000";
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0)
    throw new Error(`HUSTINGS_TEST_TIMEOUT_MS is no positive integer: ${text}`);
  return value;
}
