// Owns `hustings demo`: a whole Hustings, a synthetic speaker, two hundred headless listeners, and a live view of what
// they measure. Refuses to judge a machine by it: everything runs on this one.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Clock, repeat, sleep, systemClock } from "@hustings/flow/clock.ts";
import { type HeadlessListener, startHeadlessListener } from "@hustings/listener/headless/headless.ts";
import { readSpaceLink } from "@hustings/listener/headless/space-link.ts";
import { Histogram } from "@hustings/listener/playout/histogram.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { keepDemoSpace } from "./demo-space.ts";

export const usage = `hustings demo [--listeners N] [--port 8080] [--stage-port 8444] [--udp-port 8443] [--seconds N]
  Serves, opens a space with a synthetic speaker, lets N (200) headless listeners in, and shows what they measure.
  Data goes to a directory that is removed at the end.`;

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const MAX_LISTENERS = 2_000;
const VIEW_MS = 1_000;

/** Resolves when `--seconds` are over or `signal` aborts, after everything that it started has ended. */
export async function run(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      listeners: { type: "string", default: "200" },
      seconds: { type: "string" },
      port: { type: "string", default: "8080" },
      "stage-port": { type: "string", default: "8444" },
      "udp-port": { type: "string", default: "8443" },
    },
  });
  const count = Number(values.listeners);
  if (!(Number.isInteger(count) && count >= 1 && count <= MAX_LISTENERS))
    throw new Error(`--listeners is 1 to ${MAX_LISTENERS}, not "${values.listeners}".`);
  const limitMs = values.seconds === undefined ? undefined : Number(values.seconds) * 1000;
  if (limitMs !== undefined && !(limitMs > 0))
    throw new Error(`--seconds is a number above 0, not "${values.seconds}".`);
  const dataDir = await mkdtemp(join(tmpdir(), "hustings-demo-"));
  const over = new AbortController();
  const end = (): void => over.abort();
  signal.addEventListener("abort", end, { once: true });
  const server = serve([
    "--port",
    values.port,
    "--stage-port",
    values["stage-port"],
    "--udp-port",
    values["udp-port"],
    "--data",
    dataDir,
  ]);
  server.once("exit", end);
  const doorUrl = `http://127.0.0.1:${values.port}`;
  const spaceUrl = Promise.withResolvers<string>();
  const speaking = keepDemoSpace({ doorUrl, dataDir, signal: over.signal, onAir: spaceUrl.resolve });
  try {
    await Promise.race([spaceUrl.promise, aborted(over.signal)]);
    if (!over.signal.aborted) await crowd(await spaceUrl.promise, count, limitMs, over.signal);
  } finally {
    over.abort();
    await speaking;
    await stop(server);
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function crowd(spaceUrl: string, count: number, limitMs: number | undefined, signal: AbortSignal): Promise<void> {
  const { origin, id } = readSpaceLink(spaceUrl);
  const url = `${origin.replace(/^http/, "ws")}${ROUTES.listen(id)}`;
  const listeners = Array.from({ length: count }, () => startHeadlessListener({ url, verify: true }));
  process.stdout.write(`On air at ${spaceUrl}. Open it in a browser, too.\n`);
  const view = repeat(systemClock, VIEW_MS, () => show(listeners));
  try {
    await (limitMs === undefined ? aborted(signal) : sleepOr(systemClock, limitMs, signal));
  } finally {
    view.cancel();
    show(listeners);
    process.stdout.write("\n");
    for (const listener of listeners) listener.stop();
  }
}

function show(listeners: readonly HeadlessListener[]): void {
  const mouthToEar = new Histogram();
  const firstSound = new Histogram();
  let playing = 0;
  let gaps = 0;
  let skipped = 0;
  let faults = 0;
  for (const listener of listeners) {
    const stats = listener.stats();
    mouthToEar.merge(listener.mouthToEar);
    if (stats.firstSoundMs !== undefined) firstSound.add(stats.firstSoundMs);
    if (stats.heardSlots > 0 && stats.link === "following") playing++;
    gaps += stats.gaps;
    skipped += stats.skippedSlots;
    faults += listener.faults.length;
  }
  const line = [
    `${playing} of ${listeners.length} listening`,
    `first sound p95 ${firstSound.quantile(0.95) ?? "…"} ms`,
    `mouth to ear p50 ${mouthToEar.quantile(0.5) ?? "…"} p95 ${mouthToEar.quantile(0.95) ?? "…"} ms`,
    `${gaps} gaps`,
    `${skipped} slots skipped`,
    `${faults} out of order`,
  ].join(" · ");
  process.stdout.write(process.stdout.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
}

function serve(flags: readonly string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, "serve", ...flags], { stdio: ["ignore", "ignore", "inherit"] });
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, "exit");
  server.kill("SIGTERM");
  await exited;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function sleepOr(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  await sleep(clock, delayMs, signal).catch(() => undefined);
}
