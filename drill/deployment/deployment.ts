// Owns the server that a drill is held on: one of its own on this machine, with its processes to look at and to kill, or
// one that runs somewhere, which is only looked at from outside. Refuses to know listeners.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Clock, sleep } from "@hustings/flow/clock.ts";
import type { TickTimes } from "@hustings/flow/ticker.ts";
import { unixRequest } from "@hustings/server/http/unix-request.ts";
import { SETTINGS } from "@hustings/server/ops/config.ts";
import { freeTcpPort, freeUdpPort } from "@hustings/server/ops/host/free-ports.ts";
import { healthPath } from "@hustings/server/ops/process/health.ts";
import { type RoleName, runDirectory } from "@hustings/server/ops/process/run-directory.ts";
import { type DoorAddress, doorOf } from "./door-address.ts";

export interface Deployment extends AsyncDisposable {
  readonly doorUrl: string;
  /** Where the stage itself is asked; absent: through the door. */
  readonly stageUrl: string | undefined;
  readonly door: DoorAddress;
  /** Whether its processes are ours, on this machine. */
  readonly isLocal: boolean;
  readonly edges: number;
  /** Processes by role, as far as they answer. */
  pids(): Promise<ReadonlyMap<string, readonly number[]>>;
  /** Lateness of the stage's newest ticks, in milliseconds; `undefined` where it cannot be asked. */
  ticks(newest: number): Promise<TickTimes | undefined>;
  /** SIGKILL to the stage, the api, or the edge that most listen at. Resolves once it was sent. */
  kill(role: "edge" | "stage" | "api"): Promise<void>;
}

export interface LocalServerOptions {
  readonly edges: number;
  readonly listenersPerEdge: number;
  readonly cadenceMs: number | "auto";
  readonly tls: { readonly certPath: string; readonly keyPath: string } | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const START_MS = 60_000;
const LOOK_MS = 100;
const ASK_MS = 2_000;

/** A deployment that runs already. Throws when the address is none. */
export function remoteDeployment(target: string): Deployment {
  if (!URL.canParse(target) || !/^https?:$/.test(new URL(target).protocol))
    throw new Error(
      `--target is the address of a door, such as https://talk.example.org, not "${target.slice(0, 80)}".`,
    );
  const { origin } = new URL(target);
  return {
    doorUrl: origin,
    stageUrl: undefined,
    door: doorOf(origin),
    isLocal: false,
    edges: 0,
    pids: async () => new Map(),
    ticks: async () => undefined,
    kill: () => Promise.reject(new Error("The processes of a deployment that runs are not a drill's to kill.")),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** A server of its own on free ports of loopback, gone with its data when disposed of. Rejects when it does not start. */
export async function startLocalServer(options: LocalServerOptions): Promise<Deployment> {
  const dataDir = await mkdtemp(join(tmpdir(), "hustings-drill-"));
  const [port, stagePort, udpPort] = [await freeTcpPort(), await freeTcpPort(), await freeUdpPort()];
  const scheme = options.tls ? "https" : "http";
  const origin = `${scheme}://127.0.0.1:${port}`;
  const flags = { ...settingsOf(options), port, "stage-port": stagePort, "udp-port": udpPort, data: dataDir };
  const words = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
  const server = spawn(process.execPath, [MAIN, "serve", ...words], { stdio: ["ignore", "ignore", "pipe"] });
  const said: string[] = [];
  server.stderr.on("data", (bytes) => {
    said.push(String(bytes));
    if (said.length > 100) said.shift();
  });
  const run = runDirectory(dataDir);
  const ask = (name: RoleName, query = "") => askOver(run.controlSocket(name), healthPath(name) + query);
  const names = roleNames(options.edges);
  const end = async (): Promise<void> => {
    await stop(server);
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await untilUp(names, ask, server, options);
  } catch (cause) {
    await end();
    throw new Error(`The drill's server did not start.\n${said.join("").slice(-2_000)}`, { cause });
  }
  return {
    doorUrl: origin,
    stageUrl: `${scheme}://127.0.0.1:${stagePort}`,
    door: doorOf(origin),
    isLocal: true,
    edges: options.edges,
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

function settingsOf({ edges, listenersPerEdge, cadenceMs, tls }: LocalServerOptions): Record<string, string | number> {
  const cadence = cadenceMs === "auto" ? "auto" : cadenceMs / 1000;
  if (!("cadence" in SETTINGS) && cadence !== "auto") throw new Error("This server's edges take no cadence.");
  return {
    host: "127.0.0.1",
    edges,
    "listeners-per-edge": listenersPerEdge,
    "log-level": "warn",
    ...("cadence" in SETTINGS ? { cadence } : {}),
    ...(tls ? { "tls-cert": tls.certPath, "tls-key": tls.keyPath } : {}),
  };
}

function roleNames(edges: number): RoleName[] {
  const all = Array.from({ length: edges }, (_, index): RoleName => ({ role: "edge", index }));
  return [{ role: "stage", index: 0 }, { role: "api", index: 0 }, ...all];
}

async function pidToKill(role: string, names: readonly RoleName[], ask: Ask): Promise<number | undefined> {
  const found = names.filter((name) => name.role === role);
  const healths = await Promise.all(found.map((name) => ask(name).catch(() => ({}) as Record<string, unknown>)));
  const [fullest] = healths.toSorted((a, b) => Number(b["listeners"] ?? 0) - Number(a["listeners"] ?? 0));
  return typeof fullest?.["pid"] === "number" ? fullest["pid"] : undefined;
}

type Ask = (name: RoleName, query?: string) => Promise<Record<string, unknown>>;

async function untilUp(
  names: readonly RoleName[],
  ask: Ask,
  server: ChildProcess,
  options: LocalServerOptions,
): Promise<void> {
  const { clock, signal } = options;
  const endMs = clock.monotonicMs() + START_MS;
  const left = new Set(names);
  while (left.size > 0) {
    if (server.exitCode !== null || server.signalCode !== null) throw new Error("it ended");
    if (clock.monotonicMs() > endMs) throw new Error(`${left.size} of its processes do not answer`);
    for (const name of [...left]) if ((await ask(name).catch(() => undefined)) !== undefined) left.delete(name);
    if (left.size > 0) await sleep(clock, LOOK_MS, signal);
  }
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, "exit");
  server.kill("SIGTERM");
  await exited;
}

async function askOver(socketPath: string, path: string): Promise<Record<string, unknown>> {
  const { text } = await unixRequest({ socketPath, path, deadlineMs: ASK_MS });
  return JSON.parse(text) as Record<string, unknown>;
}
