// Compiles and runs the two C programs of the bench.

import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { setPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { until } from "../../testing/until.ts";

/** The same as the edges', so that receivers do not compete unfairly. */
const NICE = 10;
const MAX_SOCKETS = 20_000;

export interface SinkReport {
  readonly joined: number;
  readonly closed: number;
  readonly refused: number;
  /** Bytes after the upgrade responses: frames with their headers. */
  readonly bytes: number;
  readonly joinSpanUs: number;
  readonly joinP50Us: number;
  readonly joinP95Us: number;
  readonly monotonicUs: number;
}

export interface Sink extends AsyncDisposable {
  readonly pid: number;
  report(): Promise<SinkReport>;
  /** Resolves when every socket has its first flight; rejects if one was refused, or after 30 s. */
  allJoined(): Promise<SinkReport>;
}

export interface SinkOrder {
  readonly port: number;
  readonly path: string;
  readonly sockets: number;
  /** Maximum joins in progress. */
  readonly atOnce: number;
  /** Bytes that complete a join. */
  readonly flightBytes: number;
}

export interface Floor extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
}

export interface StormReport {
  /** People who have come, who were answered, and who got their first sound. */
  readonly begun: number;
  readonly answered: number;
  readonly admitted: number;
  /** Connections that ended before sound came; each person tries again. */
  readonly lost: number;
  readonly tries: number;
  /** Since the person came. */
  readonly answerP50Ms: number;
  readonly answerP99Ms: number;
  readonly admissionP50Ms: number;
  readonly admissionP99Ms: number;
}

export interface StormOrder {
  readonly port: number;
  readonly path: string;
  readonly perSecond: number;
  readonly seconds: number;
  /** A connection without an answer is given up after this long. */
  readonly timeoutMs: number;
  readonly flightBytes: number;
}

/** A crowd that comes at a fixed rate, whatever the server does. */
export interface Storm extends AsyncDisposable {
  readonly pid: number;
  report(): Promise<StormReport>;
}

export interface Native extends AsyncDisposable {
  startSink(order: SinkOrder): Sink;
  startStorm(order: StormOrder): Storm;
  startFloor(bytesPerPush: number, cadenceMs: number): Promise<Floor>;
}

/** Compiles both programs with `cc`. Rejects if there is no compiler. */
export async function buildNative(): Promise<Native> {
  await using made = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "hustings-bench-"));
  made.defer(() => rm(directory, { recursive: true, force: true }));
  const compile = async (name: string): Promise<string> => {
    const source = fileURLToPath(new URL(`./${name}.c`, import.meta.url));
    await promisify(execFile)("cc", ["-O2", "-Wall", "-o", join(directory, name), source]);
    return join(directory, name);
  };
  const [sink, floor, storm] = await Promise.all([compile("sink"), compile("floor"), compile("storm")]);
  const built = made.move();
  return {
    startSink: (order) => startSink(sink, order),
    startStorm: ({ port, path, perSecond, seconds, timeoutMs, flightBytes }) => {
      const started = start(storm, [port, path, perSecond, seconds, timeoutMs, flightBytes]);
      return { pid: started.pid, report: () => ask(started), [Symbol.asyncDispose]: started.end };
    },
    startFloor: (bytesPerPush, cadenceMs) => startFloor(floor, bytesPerPush, cadenceMs),
    [Symbol.asyncDispose]: () => built.disposeAsync(),
  };
}

function startSink(program: string, { port, path, sockets, atOnce, flightBytes }: SinkOrder): Sink {
  const started = start(program, [port, path, sockets, atOnce, flightBytes]);
  const report = (): Promise<SinkReport> => ask(started);
  return {
    pid: started.pid,
    report,
    async allJoined() {
      let newest: SinkReport | undefined;
      await until(
        `${sockets} sockets to join`,
        async () => {
          newest = await report();
          return newest.joined + newest.refused >= sockets;
        },
        30_000,
      );
      if (newest === undefined || newest.refused > 0)
        throw new Error(`${newest?.refused} of ${sockets} sockets were refused`);
      return newest;
    },
    [Symbol.asyncDispose]: started.end,
  };
}

async function startFloor(program: string, bytesPerPush: number, cadenceMs: number): Promise<Floor> {
  const started = start(program, [bytesPerPush, cadenceMs, MAX_SOCKETS]);
  const port = Number(await started.nextLine());
  return { pid: started.pid, port, [Symbol.asyncDispose]: started.end };
}

async function ask<Report>({ child, nextLine }: Started): Promise<Report> {
  const line = nextLine();
  child.stdin.write("\n");
  return JSON.parse(await line) as Report;
}

interface Started {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  readonly pid: number;
  nextLine(): Promise<string>;
  end(): Promise<void>;
}

function start(program: string, args: readonly (string | number)[]): Started {
  const child = spawn(program, args.map(String), { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  if (child.pid === undefined) throw new Error(`${program} did not start`);
  setPriority(child.pid, NICE);
  child.stdin.on("error", () => undefined);
  const lines: Interface = createInterface({ input: child.stdout });
  return {
    child,
    pid: child.pid,
    async nextLine() {
      const ended = exited.then(([code]) => Promise.reject(new Error(`${program} exited with ${code}`)));
      const [line] = (await Promise.race([once(lines, "line"), ended])) as [string];
      return line;
    },
    async end() {
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await exited;
      lines.close();
    },
  };
}
