// `npm run dev`: runs `hustings serve` on its own data directory, and restarts it when a source changes.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type FSWatcher, watch } from "node:fs";
import { join, sep } from "node:path";
import { endChild } from "@hustings/drill/deployment/end-child.ts";
import { type Clock, systemClock, type Timer } from "@hustings/flow/clock.ts";

export const usage = `npm run dev [-- SETTINGS OF SERVE]
  Runs a server with a demo space on .hustings/dev. When a source changes, the pages are rebuilt and the server restarts.
  If the build fails, the running server stays. Ctrl-C stops it.`;

const ROOT = join(import.meta.dirname, "..");
const DATA = join(ROOT, ".hustings", "dev");
const WATCHED = ["wire", "flow", "media", "server", "listener", "web", "cli"] as const;
/** An editor or a checkout writes many files in a row. */
const QUIET_MS = 300;

export function affectsServer(path: string): boolean {
  const parts = path.split(sep);
  if (parts.some((part) => part === "node_modules" || part === "dist" || part.startsWith("."))) return false;
  return /\.(?:ts|mjs|svelte|css|html|json|svg|woff2|opus|png|webmanifest)$/.test(path) && !/\.test\.ts$/.test(path);
}

export interface Changes extends Disposable {
  /** Resolves after a change, once nothing has changed for QUIET_MS. One call at a time. */
  next(): Promise<void>;
  add(path: string): void;
}

export function gatherChanges(clock: Clock): Changes {
  let settled = Promise.withResolvers<void>();
  let timer: Timer | undefined;
  return {
    async next() {
      await settled.promise;
      settled = Promise.withResolvers();
    },
    add(path) {
      if (!affectsServer(path)) return;
      timer?.cancel();
      timer = clock.after(QUIET_MS, () => settled.resolve());
    },
    [Symbol.dispose]: () => timer?.cancel(),
  };
}

export async function run(args: readonly string[], signal: AbortSignal): Promise<void> {
  using changes = gatherChanges(systemClock);
  using watching = new DisposableStack();
  for (const folder of WATCHED) watching.adopt(watchFolder(folder, changes), (watcher) => watcher.close());
  const aborted = once(signal, "abort");
  let server = startServer(args);
  while (!signal.aborted) {
    await Promise.race([changes.next(), aborted]);
    if (signal.aborted || !(await buildPages())) continue;
    print("Sources have changed; restarting.");
    await end(server);
    server = startServer(args);
  }
  await end(server);
}

function watchFolder(folder: string, changes: Changes): FSWatcher {
  return watch(join(ROOT, folder), { recursive: true }, (_, path) => {
    if (path !== null) changes.add(join(folder, path));
  });
}

function startServer(args: readonly string[]): ChildProcess {
  const script = join(ROOT, "cli", "main.ts");
  const server = spawn(process.execPath, [script, "serve", "--demo", "--data", DATA, ...args], { stdio: "inherit" });
  server.once("exit", (code) => {
    if (code !== 0 && code !== null) print(`The server exited with ${code}. It restarts when a source changes.`);
  });
  return server;
}

/** Builds in a new process, which has no old modules loaded. False: the build failed. */
async function buildPages(): Promise<boolean> {
  const build = spawn(process.execPath, [join(ROOT, "web", "build.ts")], { stdio: "inherit" });
  const [code] = (await once(build, "exit")) as [number | null];
  if (code !== 0) print("The pages could not be built; the running server stays.");
  return code === 0;
}

function end(server: ChildProcess): Promise<void> {
  return endChild(server, () => server.kill("SIGTERM"));
}

function print(sentence: string): void {
  process.stdout.write(`dev: ${sentence}\n`);
}

if (import.meta.main) {
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => interrupted.abort());
  const args = process.argv.slice(2);
  if (args.includes("--help")) process.stdout.write(`${usage}\n`);
  else await run(args, interrupted.signal);
}
