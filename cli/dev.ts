// Owns `npm run dev`: a server over a data directory of its own, begun again when a source changes, with pages built from
// the sources as they are. Refuses to know how a server runs: it is `hustings serve`, in a process of its own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type FSWatcher, watch } from "node:fs";
import { join, sep } from "node:path";
import { type Clock, systemClock, type Timer } from "@hustings/flow/clock.ts";

export const usage = `npm run dev [-- SETTINGS OF SERVE]
  A server with a demo space, over .hustings/dev. When a source changes its pages are built anew and it starts again;
  a build that fails leaves it running. Ctrl-C ends all.`;

const ROOT = join(import.meta.dirname, "..");
const DATA = join(ROOT, ".hustings", "dev");
const WATCHED = ["wire", "flow", "media", "server", "listener", "web", "cli"] as const;
/** An editor or a checkout writes many files at once. */
const QUIET_MS = 300;

/** Whether a server and its pages may be others for a change of this path, relative to the root. */
export function matters(path: string): boolean {
  const parts = path.split(sep);
  if (parts.some((part) => part === "node_modules" || part === "dist" || part.startsWith("."))) return false;
  return /\.(?:ts|mjs|svelte|css|html|json|svg|woff2|opus|png|webmanifest)$/.test(path) && !/\.test\.ts$/.test(path);
}

export interface Changes extends Disposable {
  /** Resolves once something has changed since it last did, and nothing has for a moment. One may wait at a time. */
  next(): Promise<void>;
  tell(path: string): void;
}

export function gatherChanges(clock: Clock): Changes {
  let settled = Promise.withResolvers<void>();
  let timer: Timer | undefined;
  return {
    async next() {
      await settled.promise;
      settled = Promise.withResolvers();
    },
    tell(path) {
      if (!matters(path)) return;
      timer?.cancel();
      timer = clock.after(QUIET_MS, () => settled.resolve());
    },
    [Symbol.dispose]: () => timer?.cancel(),
  };
}

/** Runs until `signal` aborts, and resolves when the server has ended. */
export async function run(args: readonly string[], signal: AbortSignal): Promise<void> {
  using changes = gatherChanges(systemClock);
  using watching = new DisposableStack();
  for (const folder of WATCHED) watching.adopt(watchFolder(folder, changes), (watcher) => watcher.close());
  const aborted = once(signal, "abort");
  let server = startServer(args);
  while (!signal.aborted) {
    await Promise.race([changes.next(), aborted]);
    if (signal.aborted || !(await buildPages())) continue;
    say("Sources have changed: starting again.");
    await end(server);
    server = startServer(args);
  }
  await end(server);
}

function watchFolder(folder: string, changes: Changes): FSWatcher {
  return watch(join(ROOT, folder), { recursive: true }, (_, path) => {
    if (path !== null) changes.tell(join(folder, path));
  });
}

function startServer(args: readonly string[]): ChildProcess {
  const script = join(ROOT, "cli", "main.ts");
  const server = spawn(process.execPath, [script, "serve", "--demo", "--data", DATA, ...args], { stdio: "inherit" });
  server.once("exit", (code) => {
    if (code !== 0 && code !== null) say(`The server ended with ${code}. It starts again when a source changes.`);
  });
  return server;
}

/** In a process of its own, which has none of the modules that were changed. False when the build fails. */
async function buildPages(): Promise<boolean> {
  const build = spawn(process.execPath, [join(ROOT, "web", "build.ts")], { stdio: "inherit" });
  const [code] = (await once(build, "exit")) as [number | null];
  if (code !== 0) say("The pages could not be built: what runs goes on.");
  return code === 0;
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, "exit");
  server.kill("SIGTERM");
  await exited;
}

function say(sentence: string): void {
  process.stdout.write(`dev: ${sentence}\n`);
}

if (import.meta.main) {
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => interrupted.abort());
  const args = process.argv.slice(2);
  if (args.includes("--help")) process.stdout.write(`${usage}\n`);
  else await run(args, interrupted.signal);
}
