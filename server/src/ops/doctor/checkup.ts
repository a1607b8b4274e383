// Checks whether a machine can run a server well: findings with a remedy. Changes nothing.

import { accessSync, constants } from "node:fs";
import { mkdtemp, open, rm, stat, statfs } from "node:fs/promises";
import { availableParallelism, freemem } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { type Clock, sleep } from "@hustings/flow/clock.ts";
import type { Config } from "../config.ts";
import { checkKernel, kernelSettings } from "../host/kernel-settings.ts";
import { capacityLine, readDescriptorLimit } from "../host/listener-budget.ts";
import { type PortNeed, portSentence, tryTcpPort, tryUdpPort } from "../host/ports.ts";
import { isRealTime, mayGoRealTime, type Standing } from "../host/realtime.ts";
import { askHealth, type Health, healthPath } from "../process/health.ts";
import { askParent } from "../process/parent-socket.ts";
import { type RoleName, runDirectory } from "../process/run-directory.ts";
import type { Finding } from "./finding.ts";

const NAMED_LISTENERS = 100_000;

export interface CheckupOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly path: string;
}

const OLDEST_NODE = 26;
const DRIFT_MS = 500;
const MAX_DRIFT_MS = 25;
/** 1 January 2026: no clock of today is before it. */
const OLDEST_UTC_MS = 1_767_225_600_000;
const GIB = 1024 ** 3;
const FSYNC_TRIES = 20;
const MAX_FSYNC_MS = 50;
const MANY_DESCRIPTORS = 65_536;

/** In the order in which a person would mend them. Never rejects: a check that cannot be done is a note. */
export async function checkMachine(options: CheckupOptions): Promise<readonly Finding[]> {
  const { config, clock, path } = options;
  const running = await askParent(runDirectory(config.dataDirectory).parentSocket).catch(() => undefined);
  const checks: (() => Promise<Finding> | Finding)[] = [
    checkNode,
    ...portsOf(config).map((need) => () => checkPort(need, config.host, running)),
    () => checkDirectory(config.dataDirectory, clock),
    () => checkSpace(config.dataDirectory),
    () => checkDescriptors(config),
    checkCores,
    () => checkPrecedence(config, path),
    checkMemory,
    () => checkClock(clock),
    ...kernelSettings(NAMED_LISTENERS).map((setting) => () => checkKernel(setting)),
    ...PROGRAMS.map((program) => () => checkProgram(program, path)),
  ];
  const findings: Finding[] = [];
  for (const check of checks) findings.push(await check());
  return findings;
}

function checkNode(): Finding {
  const { node } = process.versions;
  const name = "Node";
  if (Number.parseInt(node, 10) >= OLDEST_NODE) return { name, verdict: "ok", what: node };
  return {
    name,
    verdict: "wrong",
    what: `${node} is too old`,
    mend: `run it with "npx hustings", which brings its own`,
  };
}

function portsOf({ port, stagePort, udpPort }: Config): PortNeed[] {
  return [
    { kind: "TCP", port, flag: "--port", what: "the door" },
    { kind: "TCP", port: stagePort, flag: "--stage-port", what: "the stage's own port" },
    { kind: "UDP", port: udpPort, flag: "--udp-port", what: "sound of speakers" },
  ];
}

async function checkPort(need: PortNeed, host: string, running: Health | undefined): Promise<Finding> {
  const name = `${need.kind} port ${need.port} (${need.what})`;
  try {
    await (need.kind === "TCP" ? tryTcpPort(host, need.port) : tryUdpPort(need.port));
    const what = need.kind === "TCP" ? "free" : "free, and a datagram to it arrives";
    return { name, verdict: "ok", what };
  } catch (error) {
    const isInUse = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
    if (isInUse && running !== undefined)
      return {
        name,
        verdict: "ok",
        what: `used by the Hustings server that runs on this data directory (process ${running.pid})`,
      };
    const [what = "", mend = ""] = portSentence(need, error)
      .slice(`${name} `.length)
      .split(/: |\. /);
    return { name, verdict: "wrong", what, mend: mend.replace(/\.$/, "") };
  }
}

async function checkDirectory(directory: string, clock: Clock): Promise<Finding> {
  const name = "data directory";
  const place = await nearestExisting(directory);
  try {
    const slowestMs = await slowestSyncMs(place, clock);
    const what = `${directory} can be written; the slowest of ${FSYNC_TRIES} syncs took ${slowestMs.toFixed(1)} ms`;
    if (slowestMs <= MAX_FSYNC_MS) return { name, verdict: "ok", what };
    return {
      name,
      verdict: "note",
      what,
      mend: "a mute is acknowledged once it is on disk: put --data on a faster disk",
    };
  } catch (error) {
    const what = `${place} cannot be written: ${(error as Error).message}`;
    return { name, verdict: "wrong", what, mend: "give another --data, or this one to the account that runs Hustings" };
  }
}

async function slowestSyncMs(directory: string, clock: Clock): Promise<number> {
  const folder = await mkdtemp(join(directory, ".hustings-doctor-"));
  try {
    await using file = await open(join(folder, "entry"), "w");
    let slowestMs = 0;
    for (let i = 0; i < FSYNC_TRIES; i++) {
      const fromMs = clock.monotonicMs();
      await file.write(Buffer.alloc(512));
      await file.datasync();
      slowestMs = Math.max(slowestMs, clock.monotonicMs() - fromMs);
    }
    return slowestMs;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function checkSpace(directory: string): Promise<Finding> {
  const name = "disk space";
  const { bavail, bsize } = await statfs(await nearestExisting(directory));
  const freeGib = (Number(bavail) * Number(bsize)) / GIB;
  // Both renditions and their overhead: slightly more than 48 kb/s.
  const hours = Math.floor((freeGib * GIB) / (6.5 * 1024 * 3600));
  const what = `${freeGib.toFixed(1)} GiB free, about ${hours} hours of spaces`;
  if (freeGib >= 1) return { name, verdict: "ok", what };
  return {
    name,
    verdict: "note",
    what,
    mend: "when the disk is full, sound continues but is not recorded: free some space",
  };
}

async function checkDescriptors({ edges, listenersPerEdge }: Config): Promise<Finding> {
  const name = "descriptors";
  const descriptors = await readDescriptorLimit();
  if (descriptors === undefined)
    return { name, verdict: "note", what: "this system does not report its limit", mend: "see ulimit -Hn" };
  const what = `${descriptors} a process: ${capacityLine({ edges, listenersPerEdge, descriptors })}`;
  if (descriptors >= MANY_DESCRIPTORS) return { name, verdict: "ok", what };
  return {
    name,
    verdict: "note",
    what,
    mend: "more edges, or a higher hard limit: ulimit -Hn 1048576, or LimitNOFILE in the service",
  };
}

function checkCores(): Finding {
  const count = availableParallelism();
  if (count >= 2) return { name: "processors", verdict: "ok", what: `${count}` };
  const mend = "the stage shares it with the edges: use two processors for more than a small audience";
  return { name: "processors", verdict: "note", what: "1", mend };
}

const STAGE: RoleName = { role: "stage", index: 0 };

async function checkPrecedence({ dataDirectory, stageRealtime }: Config, path: string): Promise<Finding> {
  const name = "the stage's tick";
  const otherwise = "by niceness only, so ticks are late when all processors are busy";
  if (stageRealtime === "off") return { name, verdict: "ok", what: `${otherwise}; --stage-realtime is off` };
  const running = await askHealth(runDirectory(dataDirectory).controlSocket(STAGE), healthPath(STAGE)).catch(() => {});
  const standing = running === undefined ? await precedenceHere(path) : await precedenceOf(running.pid);
  if (standing.isRealTime) return { name, verdict: "ok", what: "in the real-time class, ahead of everything else" };
  const mend =
    "set LimitRTPRIO=1 in the service, or grant CAP_SYS_NICE (root has it); needs the program chrt (util-linux)";
  return { name, verdict: "note", what: `${otherwise} (${standing.why})`, mend };
}

async function precedenceHere(path: string): Promise<Standing> {
  const chrt = findProgram(["chrt"], path);
  return chrt === undefined ? { isRealTime: false, why: "chrt is not found" } : mayGoRealTime({ chrt });
}

async function precedenceOf(pid: number): Promise<Standing> {
  if (await isRealTime(pid)) return { isRealTime: true };
  return { isRealTime: false, why: `the stage that runs, process ${pid}` };
}

function checkMemory(): Finding {
  const freeGib = freemem() / GIB;
  const what = `${freeGib.toFixed(1)} GiB free; ${NAMED_LISTENERS.toLocaleString("en")} listeners need about 1 GiB`;
  if (freeGib >= 0.75) return { name: "memory", verdict: "ok", what };
  return { name: "memory", verdict: "note", what, mend: "a server without listeners needs about 0.5 GiB" };
}

async function checkClock(clock: Clock): Promise<Finding> {
  const name = "clock";
  if (clock.utcMs() < OLDEST_UTC_MS)
    return {
      name,
      verdict: "wrong",
      what: `it says ${new Date(clock.utcMs()).toISOString()}`,
      mend: "set it, and keep it by NTP",
    };
  const offsetMs = (): number => clock.utcMs() - clock.monotonicMs();
  const beforeMs = offsetMs();
  await sleep(clock, DRIFT_MS);
  const driftMs = Math.abs(offsetMs() - beforeMs);
  if (driftMs <= MAX_DRIFT_MS) return { name, verdict: "ok", what: "steady" };
  const what = `it jumped by ${driftMs.toFixed(0)} ms within ${DRIFT_MS} ms`;
  return { name, verdict: "note", what, mend: "let only one program set it (chrony or systemd-timesyncd)" };
}

interface Program {
  readonly names: readonly string[];
  readonly debianPackage: string;
}

const PROGRAMS: readonly Program[] = [
  { names: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"], debianPackage: "chromium" },
  { names: ["ffmpeg"], debianPackage: "ffmpeg" },
  { names: ["ffprobe"], debianPackage: "ffmpeg" },
];

function checkProgram({ names, debianPackage }: Program, path: string): Finding {
  const name = names[0] ?? "";
  const where = findProgram(names, path);
  if (where !== undefined) return { name, verdict: "ok", what: where };
  return {
    name,
    verdict: "note",
    what: "not found; only npm test needs it",
    mend: `apt-get install ${debianPackage}`,
  };
}

function findProgram(names: readonly string[], path: string): string | undefined {
  return path
    .split(delimiter)
    .flatMap((folder) => names.map((one) => join(folder, one)))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function nearestExisting(path: string): Promise<string> {
  const isThere = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const parent = dirname(path);
  return isThere || parent === path ? path : nearestExisting(parent);
}
