// `hustings serve`: runs a server from its settings to its end, and prints where it is.

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { systemClock } from "@hustings/flow/clock.ts";
import type { Config } from "@hustings/server/ops/config.ts";
import { capacityLine, readDescriptorLimit } from "@hustings/server/ops/host/listener-budget.ts";
import { usableHost } from "@hustings/server/ops/host/ports.ts";
import { isEverywhere, networkUrls, ownUrl, shownUrl } from "@hustings/server/ops/host/server-addresses.ts";
import { createLogger, type Logger } from "@hustings/server/ops/logger.ts";
import { startSupervisor } from "@hustings/server/ops/process/supervisor.ts";
import { prepareNode } from "@hustings/server/roles/prepare.ts";
import { readSettings, settingsHelp } from "./options/settings.ts";
import { version } from "./version.ts";

export const usage = `hustings serve [--demo] [settings]
  Runs a server: a stage, an api and edges. Ctrl-C stops it in order.

  --demo                 keep a space on air in which a synthetic host speaks

Settings, each also as an environment variable (--stage-port is HUSTINGS_STAGE_PORT):
${settingsHelp()}`;

const ENTRY = join(import.meta.dirname, "role.ts");

/** Resolves once stopped by `signal` or `hustings stop`. Throws an Error for the person if it cannot start. */
export async function run(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { config: given, switches } = readSettings(args, ["demo"]);
  const format = given.logFormat === "auto" ? (process.stderr.isTTY ? "lines" : "json") : given.logFormat;
  const config: Config = { ...given, logFormat: format, host: await usableHost(given.host) };
  const log = createLogger({ role: "parent", level: config.logLevel, format });
  await buildPages(log);
  const stopRequested = new AbortController();
  const over = AbortSignal.any([signal, stopRequested.signal]);
  const supervisor = await startSupervisor({
    config,
    entry: ENTRY,
    version,
    coresCount: availableParallelism(),
    clock: systemClock,
    random: Math.random,
    log,
    prepare: () => prepareNode(config),
    onStopRequest: () => stopRequested.abort(),
  });
  process.stdout.write(`${welcome(config)}${await capacityText(config)}`);
  if (switches.has("demo")) void keepDemo(config, over);
  await aborted(over);
  // On a second Ctrl-C, children must not outlive this process.
  process.once("exit", () => supervisor.killAll());
  log.info({}, "Stopping in order.");
  await supervisor[Symbol.asyncDispose]();
}

// A server without pages still serves sound, so a failed build is only logged.
async function buildPages(log: Logger): Promise<void> {
  try {
    const { ensureBuilt } = await import("@hustings/web/build/build.ts");
    await ensureBuilt();
  } catch (error) {
    log.error({ err: error }, "The web app could not be built; pages have no scripts.");
  }
}

async function keepDemo(config: Config, signal: AbortSignal): Promise<void> {
  const { keepDemoSpace } = await import("./demo-space.ts");
  let hasPrinted = false;
  const onAir = (url: string): void => {
    if (!hasPrinted) process.stdout.write(`Listen to the demo space at ${shownUrl(config)}${new URL(url).pathname}\n`);
    hasPrinted = true;
  };
  await keepDemoSpace({ doorUrl: ownUrl(config), dataDir: config.dataDirectory, signal, onAir });
}

function welcome(config: Config): string {
  const lines = [`Hustings is at ${shownUrl(config)}`];
  if (config.publicUrl === undefined && isEverywhere(config.host)) {
    for (const url of networkUrls(config)) lines.push(`  on your network: ${url}`);
    if (config.tlsCert === undefined)
      lines.push("  Browsers allow the microphone only on localhost and HTTPS: see docs/operations/https.md.");
  }
  return `${lines.join("\n")}\n`;
}

async function capacityText(config: Config): Promise<string> {
  return `  ${capacityLine({ ...config, descriptors: await readDescriptorLimit() })}\n`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
