// A server on this machine for a drill, a load run or a demo: `hustings serve` on loopback.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Clock, sleep } from "@hustings/flow/clock.ts";
import type { TickTimes } from "@hustings/flow/ticker.ts";
import { unixRequest } from "@hustings/server/http/unix-request.ts";
import { freeTcpPort, freeUdpPort } from "@hustings/server/ops/host/free-ports.ts";
import { healthPath } from "@hustings/server/ops/process/health.ts";
import { type RoleName, runDirectory } from "@hustings/server/ops/process/run-directory.ts";
import type { Deployment, KillableRole } from "./deployment.ts";
import { doorOf } from "./door-address.ts";
import { endChild } from "./end-child.ts";

export interface LocalServerOptions {
  readonly edges: number;
  /** Absent: the default of `hustings serve`. */
  readonly listenersPerEdge?: number;
  readonly cadenceMs: number | "auto";
  readonly tls?: { readonly certPath: string; readonly keyPath: string } | undefined;
  /** Address to listen on; absent: loopback only. */
  readonly host?: string;
  /** Absent: free ports. */
  readonly ports?: ServerPorts;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface ServerPorts {
  readonly port: number;
  readonly stagePort: number;
  readonly udpPort: number;
}

export interface LocalServer extends Deployment {
  readonly ended: Promise<void>;
}

type Health = Readonly<Record<string, unknown>>;
type AskHealth = (name: RoleName, query?: string) => Promise<Health>;

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const START_MS = 60_000;
const POLL_MS = 100;
const HEALTH_DEADLINE_MS = 2_000;
const MAX_LOG_PIECES = 100;

/** Starts a server with a temporary data directory. Rejects if the server does not start. */
export async function startLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  const dataDir = await mkdtemp(join(tmpdir(), "hustings-drill-"));
  const ports = options.ports ?? {
    port: await freeTcpPort(),
    stagePort: await freeTcpPort(),
    udpPort: await freeUdpPort(),
  };
  const scheme = options.tls ? "https" : "http";
  const origin = `${scheme}://127.0.0.1:${ports.port}`;
  const server = spawn(process.execPath, [MAIN, "serve", ...argumentsFor(options, ports, dataDir)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const log: string[] = [];
  server.stderr.on("data", (bytes) => {
    log.push(String(bytes));
    if (log.length > MAX_LOG_PIECES) log.shift();
  });
  const ended = once(server, "exit").then(() => undefined);
  const run = runDirectory(dataDir);
  const ask: AskHealth = async (name, query = "") => {
    const path = healthPath(name) + query;
    const answer = await unixRequest({ socketPath: run.controlSocket(name), path, deadlineMs: HEALTH_DEADLINE_MS });
    return JSON.parse(answer.text) as Health;
  };
  const names = roleNames(options.edges);
  const end = async (): Promise<void> => {
    await endChild(server, () => server.kill("SIGTERM"));
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await untilStarted(names, ask, server, options);
  } catch (cause) {
    await end();
    throw new Error(`The server did not start.\n${log.join("").slice(-2_000)}`, { cause });
  }
  return {
    doorUrl: origin,
    stageUrl: `${scheme}://127.0.0.1:${ports.stagePort}`,
    door: doorOf(origin),
    isLocal: true,
    edges: options.edges,
    ended,
    async pids() {
      const found = new Map<string, number[]>([["parent", server.pid === undefined ? [] : [server.pid]]]);
      const healths = await Promise.all(names.map((name) => ask(name).catch(() => undefined)));
      names.forEach(({ role }, i) => {
        const pid = healths[i]?.["pid"];
        if (typeof pid === "number") found.set(role, [...(found.get(role) ?? []), pid]);
      });
      return found;
    },
    async ticks(newest) {
      const health = await ask({ role: "stage", index: 0 }, `?ticks=${newest}`).catch(() => undefined);
      return health?.["tick"] as TickTimes | undefined;
    },
    async kill(role) {
      const pid = await pidToKill(role, names, ask);
      if (pid !== undefined) process.kill(pid, "SIGKILL");
    },
    [Symbol.asyncDispose]: end,
  };
}

function argumentsFor(options: LocalServerOptions, ports: ServerPorts, data: string): string[] {
  const { edges, listenersPerEdge, cadenceMs, tls } = options;
  const flags: Record<string, string | number> = {
    host: options.host ?? "127.0.0.1",
    port: ports.port,
    "stage-port": ports.stagePort,
    "udp-port": ports.udpPort,
    data,
    edges,
    cadence: cadenceMs === "auto" ? "auto" : cadenceMs / 1000,
    "log-level": "warn",
    ...(listenersPerEdge === undefined ? {} : { "listeners-per-edge": listenersPerEdge }),
    ...(tls ? { "tls-cert": tls.certPath, "tls-key": tls.keyPath } : {}),
  };
  return Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
}

function roleNames(edges: number): RoleName[] {
  const all = Array.from({ length: edges }, (_, index): RoleName => ({ role: "edge", index }));
  return [{ role: "stage", index: 0 }, { role: "api", index: 0 }, ...all];
}

async function pidToKill(role: KillableRole, names: readonly RoleName[], ask: AskHealth): Promise<number | undefined> {
  const found = names.filter((name) => name.role === role);
  const healths = await Promise.all(found.map((name) => ask(name).catch((): Health => ({}))));
  const [fullest] = healths.toSorted((a, b) => Number(b["listeners"] ?? 0) - Number(a["listeners"] ?? 0));
  return typeof fullest?.["pid"] === "number" ? fullest["pid"] : undefined;
}

async function untilStarted(
  names: readonly RoleName[],
  ask: AskHealth,
  server: ChildProcess,
  { clock, signal }: LocalServerOptions,
): Promise<void> {
  const endMs = clock.monotonicMs() + START_MS;
  const left = new Set(names);
  while (left.size > 0) {
    if (server.exitCode !== null || server.signalCode !== null) throw new Error("its process ended");
    if (clock.monotonicMs() > endMs) throw new Error(`${left.size} of its processes do not answer`);
    for (const name of [...left]) if ((await ask(name).catch(() => undefined)) !== undefined) left.delete(name);
    if (left.size > 0) await sleep(clock, POLL_MS, signal);
  }
}
