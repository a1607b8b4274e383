// Supervises one stage, one api and several edges: starts them, hands edges the door, restarts the dead, adopts
// survivors of an earlier parent, ends all in order. Without it, the processes continue.

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { Clock } from "@hustings/flow/clock.ts";
import { type AcceptCoordinator, createAcceptCoordinator } from "../accept/accept-coordinator.ts";
import { acceptingEdgesFor } from "../accept/accept-policy.ts";
import { type Config, SETTINGS } from "../config.ts";
import { bindDoor, checkPorts, type DoorHandle, type PortNeed } from "../host/ports.ts";
import { createPrecedence, type Precede } from "../host/realtime.ts";
import type { Logger } from "../logger.ts";
import { adoptChild, type Child, spawnChild } from "./child.ts";
import { askHealth, healthPath } from "./health.ts";
import { type Keeper, keepAlive } from "./keeper.ts";
import { holdParentSocket } from "./parent-socket.ts";
import { restartAll } from "./rolling-restart.ts";
import { MAX_SOCKET_PATH_BYTES, type RoleName, type RunDirectory, runDirectory, titleOf } from "./run-directory.ts";
import { StartFailure, startFailureOf } from "./start-failure.ts";

export interface SupervisorOptions {
  readonly config: Config;
  readonly entry: string;
  readonly version: string;
  readonly coresCount: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Creates keys and checks certificates, once this parent owns the data directory. */
  readonly prepare?: () => Promise<void>;
  /** The caller then disposes the supervisor. */
  readonly onStopRequest: () => void;
}

export interface Supervisor extends AsyncDisposable {
  readonly adopted: readonly string[];
  /** Kills at once. Logs survive it, connections do not. */
  killAll(): void;
}

/** Resolves when every role serves. On StartFailure it has ended all that it started. */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { config, log } = options;
  const run = await prepareDirectory(config);
  await using undo = new AsyncDisposableStack();
  const restart = createRestart();
  undo.use(await holdParent(options, run, restart.begin));
  const adopted = await findRunning(options, run);
  await checkPorts(portsNeeded(config, adopted), config.host);
  await options.prepare?.();
  const door = bindDoor(config.host, config.port);
  undo.defer(() => door.close());
  const coordinator = undo.use(
    createAcceptCoordinator({ door, maxAccepting: acceptingEdgesFor(options.coresCount), clock: options.clock, log }),
  );
  const making: Making = { options, run, door, coordinator, precede: createPrecedence(config, log) };
  const children = await startMissing(making, adopted, undo);
  await writeFile(run.settingsFile, JSON.stringify(settingsOf(config)), { mode: 0o600 });
  const keepers = children.map((child) => keep(child, making));
  undo.defer(() => restart.over());
  undo.defer(() => stopInOrder(children, keepers));
  // Stop the coordinator first: exiting edges report zero places, which would trigger a false "full" warning.
  undo.defer(() => coordinator[Symbol.dispose]());
  const names = adopted.map(({ name }) => titleOf(name));
  if (names.length > 0) log.info({ adopted: names }, "Processes of an earlier start were still running and are kept.");
  const extra: RoleName = { role: "edge", index: config.edges };
  restart.allow(() => restartAll({ keepers, run, log, startExtra: () => startChild(extra, making) }));
  undo.defer(() => restart.forbid());
  const started = undo.move();
  return {
    adopted: names,
    killAll() {
      for (const keeper of keepers) keeper.kill();
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

export function rolesOf({ edges, aac = "off" }: Pick<Config, "edges"> & Partial<Pick<Config, "aac">>): RoleName[] {
  const all: RoleName[] = [
    { role: "stage", index: 0 },
    { role: "api", index: 0 },
  ];
  if (aac === "on") all.push({ role: "packager", index: 0 });
  for (let index = 0; index < edges; index++) all.push({ role: "edge", index });
  return all;
}

/** Processes that answer on their sockets, edges of any number included. Throws StartFailure. */
export async function runningChildren(run: RunDirectory, clock: Clock): Promise<{ child: Child; version: string }[]> {
  const sockets = await readdir(run.path).catch(() => []);
  const edges = sockets.flatMap((name) => /^edge-(\d{1,3})\.sock$/.exec(name)?.[1] ?? []).map(Number);
  const names: RoleName[] = rolesOf({ edges: 0, aac: "on" });
  for (const index of edges.sort((a, b) => a - b)) names.push({ role: "edge", index });
  const found = await Promise.all(names.map((name) => findOne(name, run, clock)));
  return found.filter((one) => one !== undefined);
}

async function findOne(name: RoleName, run: RunDirectory, clock: Clock) {
  const socketPath = run.controlSocket(name);
  try {
    const health = await askHealth(socketPath, healthPath(name));
    if (health === undefined) return undefined;
    return { child: adoptChild(name, health, socketPath, clock), version: health.version };
  } catch (cause) {
    const says = (cause as Error).message;
    throw new StartFailure(
      `The ${titleOf(name)} of an earlier start runs and does not answer (${says}): end it first.`,
      {
        cause,
      },
    );
  }
}

async function prepareDirectory({ dataDirectory }: Config): Promise<RunDirectory> {
  const run = runDirectory(dataDirectory);
  const longest = run.controlSocket({ role: "edge", index: 255 });
  if (Buffer.byteLength(longest) > MAX_SOCKET_PATH_BYTES)
    throw new StartFailure(`The path of the data directory is too long for Unix sockets: ${dataDirectory}.`);
  try {
    await mkdir(run.path, { recursive: true, mode: 0o700 });
    const probe = `${run.path}/.write-${process.pid}`;
    await writeFile(probe, "");
    await rm(probe);
    return run;
  } catch (cause) {
    throw startFailureOf(cause, `The data directory ${dataDirectory} cannot be written`);
  }
}

function holdParent(
  { config, version, onStopRequest }: SupervisorOptions,
  run: RunDirectory,
  onRestart: () => Promise<void>,
): Promise<AsyncDisposable> {
  return holdParentSocket({
    socketPath: run.parentSocket,
    dataDirectory: config.dataDirectory,
    health: { role: "parent", pid: process.pid, version },
    onStop: onStopRequest,
    onRestart,
  });
}

// Same version and settings only; surplus edges are ended.
async function findRunning({ config, version, clock }: SupervisorOptions, run: RunDirectory): Promise<Child[]> {
  const running = await runningChildren(run, clock);
  const other = running.find((one) => one.version !== version);
  const advice = `run "hustings stop --data ${config.dataDirectory}" first`;
  if (other !== undefined)
    throw new StartFailure(
      `Version ${other.version} of Hustings still runs on ${config.dataDirectory}, this is ${version}: ${advice}.`,
    );
  const changed = running.length === 0 ? [] : changedSettings(await earlierSettings(run), settingsOf(config));
  if (changed.length > 0)
    throw new StartFailure(
      `The running processes were started with other settings (${changed.join(", ")}): ${advice}.`,
    );
  const surplus = running.filter(({ child: { name } }) => name.index >= config.edges);
  await Promise.all(surplus.map(({ child }) => child.stop()));
  return running.filter((one) => !surplus.includes(one)).map(({ child }) => child);
}

type Settings = Readonly<Record<string, unknown>>;

function settingsOf({ edges: _edges, logLevel: _level, logFormat: _format, turnSecret, ...config }: Config): Settings {
  const hash = turnSecret && createHash("sha256").update(turnSecret).digest("base64url");
  return hash === undefined ? config : { ...config, turnSecret: hash };
}

function changedSettings(before: Settings | undefined, now: Settings): string[] {
  if (before === undefined) return [];
  const flags = SETTINGS as Readonly<Record<string, { readonly flag: string }>>;
  const names = Object.keys(flags).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]));
  return names.map((name) => `--${flags[name]?.flag}`);
}

async function earlierSettings(run: RunDirectory): Promise<Settings | undefined> {
  try {
    return JSON.parse(await readFile(run.settingsFile, "utf8")) as Settings;
  } catch {
    return undefined;
  }
}

function portsNeeded({ port, stagePort, udpPort }: Config, adopted: readonly Child[]): PortNeed[] {
  const runs = (role: RoleName["role"]): boolean => adopted.some(({ name }) => name.role === role);
  const needs: PortNeed[] = [];
  if (!runs("edge")) needs.push({ kind: "TCP", port, flag: "--port", what: "the door" });
  if (!runs("stage")) {
    needs.push({ kind: "TCP", port: stagePort, flag: "--stage-port", what: "the stage's own port" });
    needs.push({ kind: "UDP", port: udpPort, flag: "--udp-port", what: "sound of speakers" });
  }
  return needs;
}

interface Making {
  readonly options: SupervisorOptions;
  readonly run: RunDirectory;
  readonly door: DoorHandle;
  readonly coordinator: AcceptCoordinator;
  readonly precede: Precede;
}

async function startMissing(making: Making, adopted: readonly Child[], undo: AsyncDisposableStack): Promise<Child[]> {
  const kept = new Map(adopted.map((child) => [titleOf(child.name), child]));
  const children: Child[] = [];
  const started: Child[] = [];
  // Adopted processes are not ended.
  undo.defer(async () => void (await Promise.all(started.map((child) => child.stop()))));
  for (const name of rolesOf(making.options.config)) {
    const child = kept.get(titleOf(name)) ?? (await startChild(name, making));
    children.push(child);
    if (!kept.has(titleOf(name))) started.push(child);
  }
  await Promise.all(children.map(({ ready }) => ready));
  started.length = 0;
  return children;
}

async function startChild(name: RoleName, { options, run, door, coordinator, precede }: Making): Promise<Child> {
  const { entry, config, version, clock, log } = options;
  await rm(run.controlSocket(name), { force: true });
  if (name.role === "stage") await rm(run.followSocket, { force: true });
  const start = { kind: "start", name, config, version } as const;
  if (name.role === "stage") {
    const stage = spawnChild({ entry, start, clock, log });
    void precede(stage.pid);
    return stage;
  }
  if (name.role !== "edge") return spawnChild({ entry, start, clock, log });
  const child: Child = spawnChild({
    entry,
    start,
    clock,
    log,
    door,
    onMessage: (message) => coordinator.onMessage(child, message),
  });
  void child.gone.then(() => coordinator.onGone(child));
  return child;
}

function keep(first: Child, making: Making): Keeper {
  const { clock, random, log } = making.options;
  return keepAlive({ first, start: () => startChild(first.name, making), clock, random, log });
}

// A request during a restart waits for that one.
function createRestart() {
  let run: (() => Promise<void>) | undefined;
  let underWay: Promise<void> | undefined;
  return {
    async begin(): Promise<void> {
      if (run === undefined)
        throw new StartFailure("The server is starting or stopping: nothing can be restarted now.");
      underWay ??= run().finally(() => {
        underWay = undefined;
      });
      await underWay;
    },
    allow(how: () => Promise<void>): void {
      run = how;
    },
    forbid(): void {
      run = undefined;
    },
    async over(): Promise<void> {
      await underWay?.catch(() => {});
    },
  };
}

// Edges first, to hand over listeners while everything else answers; the stage last.
async function stopInOrder(children: readonly Child[], keepers: readonly Keeper[]): Promise<void> {
  for (const role of ["edge", "packager", "api", "stage"]) {
    const of = keepers.filter((_, i) => children[i]?.name.role === role);
    await Promise.all(of.map((keeper) => keeper.stop()));
  }
}
