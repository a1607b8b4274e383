// Owns `hustings serve`: a server from its settings to its end, and what the person who starts it is told. Refuses to know
// how its processes are kept alive.

import { availableParallelism, networkInterfaces } from "node:os";
import { join } from "node:path";
import { systemClock } from "@hustings/flow/clock.ts";
import type { Config } from "@hustings/server/ops/config.ts";
import { capacityLine, readDescriptorLimit } from "@hustings/server/ops/host/listener-budget.ts";
import { usableHost } from "@hustings/server/ops/host/ports.ts";
import { createLogger, type Logger } from "@hustings/server/ops/logger.ts";
import { startSupervisor } from "@hustings/server/ops/process/supervisor.ts";
import { prepareNode } from "@hustings/server/roles/prepare.ts";
import { readSettings, settingsHelp } from "./settings.ts";
import { version } from "./version.ts";

export const usage = `hustings serve [--demo] [settings]
  Runs a server: one stage, one api, edges. Ctrl-C ends it in order.

  --demo                 keep a space in which a synthetic host welcomes whoever comes

Settings, each also as an environment variable (--stage-port is HUSTINGS_STAGE_PORT):
${settingsHelp()}`;

const ENTRY = join(import.meta.dirname, "role.ts");

/** Resolves when the server has ended after `signal` or the word to stop. Throws a sentence when it cannot start. */
export async function run(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { config: given, switches } = readSettings(args, ["demo"]);
  const format = given.logFormat === "auto" ? (process.stderr.isTTY ? "lines" : "json") : given.logFormat;
  const config: Config = { ...given, logFormat: format, host: await usableHost(given.host) };
  const log = createLogger({ role: "parent", level: config.logLevel, format });
  await buildPages(log);
  const stopWord = new AbortController();
  const over = AbortSignal.any([signal, stopWord.signal]);
  const supervisor = await startSupervisor({
    config,
    entry: ENTRY,
    version,
    coresCount: availableParallelism(),
    clock: systemClock,
    random: Math.random,
    log,
    prepare: () => prepareNode(config),
    onStopRequest: () => stopWord.abort(),
  });
  process.stdout.write(`${welcome(config)}${await roomLine(config)}`);
  if (switches.has("demo")) void keepDemo(config, over);
  await aborted(over);
  // Whoever cannot wait for the order ends this process: nothing that it started may live on then.
  process.once("exit", () => supervisor.killAll());
  log.info({}, "Ending in order.");
  await supervisor[Symbol.asyncDispose]();
}

// Listeners and speakers need no pages; a server that has none says so and serves.
async function buildPages(log: Logger): Promise<void> {
  try {
    const { ensureBuilt } = await import("@hustings/web/build/build.ts");
    await ensureBuilt();
  } catch (error) {
    log.error({ err: error }, "The web app could not be built: pages are bare.");
  }
}

async function keepDemo(config: Config, signal: AbortSignal): Promise<void> {
  const { keepDemoSpace } = await import("./demo-space.ts");
  let isTold = false;
  const onAir = (url: string): void => {
    if (!isTold) process.stdout.write(`Hear somebody speak at ${shownUrl(config)}${new URL(url).pathname}\n`);
    isTold = true;
  };
  await keepDemoSpace({ doorUrl: ownUrl(config), dataDir: config.dataDirectory, signal, onAir });
}

function welcome(config: Config): string {
  const lines = [`Hustings is at ${shownUrl(config)}`];
  if (config.publicUrl === undefined && isEverywhere(config.host)) {
    for (const address of ownAddresses())
      lines.push(`  on your network: ${scheme(config)}://${address}:${config.port}`);
    if (config.tlsCert === undefined)
      lines.push("  Browsers give a microphone to localhost and to HTTPS alone: see docs/operations/https.md.");
  }
  return `${lines.join("\n")}\n`;
}

async function roomLine(config: Config): Promise<string> {
  return `  ${capacityLine({ ...config, descriptors: await readDescriptorLimit() })}\n`;
}

/** The address for people. */
function shownUrl(config: Config): string {
  if (config.publicUrl !== undefined) return config.publicUrl;
  const host = isEverywhere(config.host) ? "localhost" : bracketed(config.host);
  return `${scheme(config)}://${host}:${config.port}`;
}

/** The door as it is reached from this machine. With TLS the certificate has to fit, so by its public name. */
function ownUrl(config: Config): string {
  if (config.tlsCert !== undefined) return shownUrl(config);
  return `http://${isEverywhere(config.host) ? "127.0.0.1" : bracketed(config.host)}:${config.port}`;
}

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.filter(({ family, internal }) => family === "IPv4" && !internal).map(({ address }) => address);
}

function scheme({ tlsCert }: Config): string {
  return tlsCert === undefined ? "http" : "https";
}

function isEverywhere(host: string): boolean {
  return host === "::" || host === "0.0.0.0";
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
