// Starts a whole server with `hustings serve`, on free ports and in a temporary data directory. Disposing of it ends all of
// its processes and deletes the directory.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readdir, readFile, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freeTcpPort, freeUdpPort } from "../../server/src/ops/host/free-ports.ts";
import type { SpaceId } from "../../wire/ids.ts";
import { ROUTES } from "../../wire/routes.ts";
import { PATIENCE_MS, until } from "./until.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const STARTED = /https?:\/\/\S+/;

export interface RunningServer extends AsyncDisposable {
  readonly doorUrl: string;
  readonly stageUrl: string;
  readonly dataDir: string;
  readonly edges: number;
  /** Everything that the processes have written to stdout and stderr. */
  output(): string;
  create(title: string, name?: string): Promise<CreatedSpace>;
  /** The answer of a role's control socket; roles are `stage`, `api`, `edge-0`… Rejects when the role does not answer. */
  health(role: string): Promise<Record<string, unknown>>;
  pidOf(role: string): Promise<number>;
  readonly parentPid: number;
  /** The newest `serve` process. */
  readonly parent: ChildProcess;
  /** Sends SIGKILL and resolves once the process is gone. */
  kill(pid: number): Promise<void>;
  /** Starts `serve` again on the same ports and data. `env` is added to the environment of the new process. */
  restart(env?: Record<string, string>): Promise<void>;
}

export interface CreatedSpace {
  readonly id: SpaceId;
  readonly url: string;
  readonly hostUrl: string;
  readonly hostTicket: string;
}

export interface ServerOptions {
  readonly edges?: number;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where stdout and stderr go: `output()` (default), pipes that are closed at once, or the file at a path. */
  readonly output?: "closed" | `/${string}`;
  /** Called with the empty data directory before the server starts. */
  readonly prepare?: (dataDir: string) => Promise<void>;
}

export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const { edges = 1, args = [], env = {}, output } = options;
  const dataDir = await mkdtemp(join(tmpdir(), "hustings-test-"));
  await options.prepare?.(dataDir);
  const [port, stagePort, udpPort] = [await freeTcpPort(), await freeTcpPort(), await freeUdpPort()];
  const doorUrl = `http://127.0.0.1:${port}`;
  const flags = [
    "--host",
    "127.0.0.1",
    "--port",
    port,
    "--stage-port",
    stagePort,
    "--udp-port",
    udpPort,
    "--edges",
    edges,
    "--data",
    dataDir,
  ];
  const written: string[] = [];
  let parent: ChildProcess | undefined;
  await begin({}).catch(async (cause: unknown) => {
    await stopAll();
    throw cause;
  });

  async function begin(more: Record<string, string>): Promise<void> {
    const file = output?.startsWith("/") ? await open(output, "a") : undefined;
    const child = spawn(process.execPath, [MAIN, "serve", ...flags.map(String), ...args], {
      env: { ...process.env, ...env, ...more },
      stdio: ["ignore", file?.fd ?? "pipe", file?.fd ?? "pipe"],
    });
    await file?.close();
    if (output === "closed") for (const stream of [child.stdout, child.stderr]) stream?.destroy();
    parent = child;
    const before = written.length;
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (bytes) => written.push(String(bytes)));
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`serve ended with ${code}:\n${written.slice(before).join("")}`);
    });
    const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;
    const answering = async (): Promise<boolean> => {
      const roles = ["stage", "api", ...Array.from({ length: edges }, (_, i) => `edge-${i}`)];
      await Promise.all(roles.map((role) => health(role)));
      return true;
    };
    const hasPrinted = (): boolean => output !== undefined || STARTED.test(written.slice(before).join(""));
    const ready = until("serve to print its address", hasPrinted, undefined, isGone).then(() =>
      until("every role to answer", answering, undefined, isGone),
    );
    ready.catch(() => {});
    ended.catch(() => {});
    await Promise.race([ended, ready]);
  }

  function health(role: string): Promise<Record<string, unknown>> {
    const path = role === "stage" || role === "api" ? "/internal/health" : "/health";
    return getOverSocket(join(dataDir, "run", `${role}.sock`), path);
  }

  async function stopAll(): Promise<void> {
    if (parent && parent.exitCode === null && parent.signalCode === null) {
      const exited = once(parent, "exit");
      parent.kill("SIGTERM");
      await exited;
    }
    for (const pid of await processesOf(dataDir)) await kill(pid);
  }

  return {
    doorUrl,
    stageUrl: `http://127.0.0.1:${stagePort}`,
    dataDir,
    edges,
    output: () => written.join(""),
    health,
    kill,
    get parentPid() {
      return parent?.pid as number;
    },
    get parent() {
      return parent as ChildProcess;
    },
    async pidOf(role) {
      return (await health(role))["pid"] as number;
    },
    async create(title, name = "Ada Host") {
      const response = await fetch(doorUrl + ROUTES.spaces, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ title, name }),
      });
      if (response.status !== 201)
        throw new Error(`POST ${ROUTES.spaces}: ${response.status} ${await response.text()}`);
      return (await response.json()) as CreatedSpace;
    },
    async restart(more = {}) {
      await begin(more);
    },
    async [Symbol.asyncDispose]() {
      await stopAll();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function kill(pid: number): Promise<void> {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    return;
  }
  await until(`process ${pid} to be gone`, async () => !(await isAlive(pid)));
}

/** False for a zombie too: its parent may have been killed before it, and then nobody reads its status. */
export async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return status !== undefined && !/\) [ZX] /.test(status);
}

/** The processes with `dataDir` on their command line: the parent and every role. */
async function processesOf(dataDir: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc").catch(() => [])) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const commandLine = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    if (commandLine.includes(dataDir) && (await isAlive(pid))) found.push(pid);
  }
  return found;
}

function getOverSocket(socketPath: string, path: string): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, timeout: PATIENCE_MS }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part) => {
        text += part;
      });
      response.on("end", () => {
        try {
          resolve(JSON.parse(text) as Record<string, unknown>);
        } catch (cause) {
          reject(new Error(`${path} answered no JSON`, { cause }));
        }
      });
    });
    asked.on("timeout", () => asked.destroy(new Error(`${path} did not answer`)));
    asked.on("error", reject);
    asked.end();
  });
}
