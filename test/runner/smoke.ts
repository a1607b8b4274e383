// Checks that `npm start` serves its home page and stops on SIGINT. Run by .ci/run, on free ports.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freeTcpPort, freeUdpPort } from "../../server/src/ops/host/free-ports.ts";

const startMs = 120_000;
const stopMs = 30_000;
const pollMs = 200;
const root = fileURLToPath(new URL("../..", import.meta.url));

await main();

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "hustings-smoke-"));
  const port = await freeTcpPort();
  const ports = ["--port", port, "--stage-port", await freeTcpPort(), "--udp-port", await freeUdpPort()];
  const args = ["start", "--", ...ports.map(String), "--data", folder];
  const server = spawn("npm", args, { cwd: root, stdio: ["ignore", "inherit", "inherit"], detached: true });
  try {
    const page = await fetchWhenUp(server, `http://127.0.0.1:${port}/`);
    if (!/<html/i.test(page)) throw new Error(`the home page is no page: ${page.slice(0, 200)}`);
    process.stdout.write(`npm start served its home page: ${page.length} characters.\n`);
  } finally {
    await stop(server);
    await rm(folder, { recursive: true, force: true });
  }
}

async function fetchWhenUp(server: ChildProcess, url: string): Promise<string> {
  const deadlineMs = performance.now() + startMs;
  while (performance.now() < deadlineMs) {
    if (hasEnded(server)) throw new Error(`npm start ended with ${server.exitCode ?? server.signalCode}`);
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return answer.text();
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error(`nothing answered at ${url} in ${startMs} ms`);
}

// Signals the whole group, as Ctrl-C does. A server that does not stop is killed, and the check fails.
async function stop(server: ChildProcess): Promise<void> {
  if (server.pid === undefined || hasEnded(server)) return;
  const group = -server.pid;
  process.kill(group, "SIGINT");
  const ended = once(server, "exit").then(() => true);
  const late = new Promise<boolean>((resolve) => setTimeout(resolve, stopMs, false).unref());
  if (await Promise.race([ended, late])) return;
  process.kill(group, "SIGKILL");
  throw new Error(`npm start did not stop in ${stopMs} ms`);
}

function hasEnded(server: ChildProcess): boolean {
  return server.exitCode !== null || server.signalCode !== null;
}
