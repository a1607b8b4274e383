// `hustings demo`: a server, a synthetic speaker and a crowd of listeners, with a line of measurements a second.

import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Crowd, startCrowd } from "@hustings/drill/crowd/crowd.ts";
import { descriptorLimit, generatorsFor } from "@hustings/drill/crowd/crowd-size.ts";
import { type LocalServer, type ServerPorts, startLocalServer } from "@hustings/drill/deployment/local-server.ts";
import { quantileMs } from "@hustings/drill/record/histogram.ts";
import { repeat, sleep, systemClock } from "@hustings/flow/clock.ts";
import { readSpaceLink } from "@hustings/listener/headless/space-link.ts";
import { SETTINGS } from "@hustings/server/ops/config.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { USUAL_RENDITION } from "@hustings/wire/units.ts";
import { keepDemoSpace } from "./demo-space.ts";
import { readNumber, readSeconds } from "./options/arguments.ts";

export const usage = `hustings demo [--listeners N] [--port 8080] [--stage-port 8444] [--udp-port 8443] [--seconds N]
  Starts a server, opens a space with a synthetic speaker, adds N (200) listeners, and shows what they measure.
  Its data directory is temporary.`;

const MAX_LISTENERS = 2_000;
const VIEW_MS = 1_000;

/** Resolves after `--seconds`, when the server ends, or when `signal` aborts. */
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
  const count = readNumber("listeners", values.listeners, 1, MAX_LISTENERS);
  const limitMs = readSeconds("seconds", values.seconds);
  const ports = {
    port: readNumber("port", values.port, 1, 65_535),
    stagePort: readNumber("stage-port", values["stage-port"], 1, 65_535),
    udpPort: readNumber("udp-port", values["udp-port"], 1, 65_535),
  };
  const server = await startServer(ports, signal);
  if (server === undefined) return;
  await using _server = server;
  const over = new AbortController();
  let hasServerEnded = false;
  void server.ended.then(() => {
    hasServerEnded = true;
    over.abort();
  });
  await showDemo(server, count, limitMs, AbortSignal.any([signal, over.signal]));
  if (hasServerEnded && !signal.aborted) throw new Error("The server ended unexpectedly.");
}

async function startServer(ports: ServerPorts, signal: AbortSignal): Promise<LocalServer | undefined> {
  const host = SETTINGS.host.fallback;
  const options = {
    edges: availableParallelism(),
    cadenceMs: "auto",
    host,
    ports,
    clock: systemClock,
    signal,
  } as const;
  return startLocalServer(options).catch((error: unknown) => {
    if (signal.aborted) return undefined;
    throw error;
  });
}

async function showDemo(
  server: LocalServer,
  count: number,
  limitMs: number | undefined,
  ended: AbortSignal,
): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "hustings-demo-"));
  const spaceUrl = Promise.withResolvers<string>();
  const stopSpeaking = new AbortController();
  const speaking = keepDemoSpace({
    doorUrl: server.doorUrl,
    dataDir,
    signal: AbortSignal.any([ended, stopSpeaking.signal]),
    onAir: spaceUrl.resolve,
  });
  try {
    const url = await Promise.race([spaceUrl.promise, untilAborted(ended)]);
    if (url !== undefined) await showCrowd(server, url, count, limitMs, ended);
  } finally {
    stopSpeaking.abort();
    await speaking;
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function showCrowd(
  server: LocalServer,
  spaceUrl: string,
  count: number,
  limitMs: number | undefined,
  ended: AbortSignal,
): Promise<void> {
  const path = ROUTES.listen(readSpaceLink(spaceUrl).id);
  const start = { door: server.door, path, rendition: USUAL_RENDITION, visitsHome: false } as const;
  const generators = generatorsFor(count, await descriptorLimit(), availableParallelism());
  await using crowd = startCrowd(start, count, generators);
  crowd.send({ do: "people", people: count });
  process.stdout.write(`On air at ${spaceUrl}. You can open it in a browser, too.\n`);
  const view = repeat(systemClock, VIEW_MS, () => showLine(crowd, count));
  try {
    await (limitMs === undefined ? untilAborted(ended) : sleep(systemClock, limitMs, ended).catch(() => undefined));
  } finally {
    view.cancel();
    showLine(crowd, count);
    process.stdout.write("\n");
  }
}

function showLine(crowd: Crowd, count: number): void {
  const { counts, standing, firstSoundMs, lagMs } = crowd.report();
  const line = [
    `${standing.playing} of ${count} listening`,
    `first sound p95 ${quantileMs(firstSoundMs, 0.95) ?? "…"} ms`,
    `mouth to ear p50 ${quantileMs(lagMs, 0.5) ?? "…"} p95 ${quantileMs(lagMs, 0.95) ?? "…"} ms`,
    `${counts.gaps} gaps`,
    `${counts.skippedSlots} slots skipped`,
    `${counts.missingSlots + counts.duplicateSlots + counts.badFrames} missing, twice or damaged`,
  ].join(" · ");
  process.stdout.write(process.stdout.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
}

function untilAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
