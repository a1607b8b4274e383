// Starts servers to compare with: nginx as a cache of HLS, and Icecast with the same Opus. They run in the foreground,
// on loopback, each in a temporary directory.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { setPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { createOggWriter } from "../../../media/container/ogg/ogg-writer.ts";
import { freeTcpPort } from "../../../server/src/ops/host/free-ports.ts";
import { until } from "../../testing/until.ts";

export interface Neighbour extends AsyncDisposable {
  readonly port: number;
  /** Of the process that serves. */
  readonly pid: number;
}

export interface Nginx extends Neighbour {
  /** Requests since the last call: all, and those passed on to the origin. */
  passedOn(): Promise<{ readonly asked: number; readonly passed: number }>;
}

/** The same as the edges'. */
const NICE = 10;
const PASSWORD = "only-on-loopback";

/**
 * Starts nginx with the configuration of docs/operations/cdn.md. Rejects with one sentence if nginx is not installed.
 */
export async function startNginx(originPort: number): Promise<Nginx> {
  await using made = new AsyncDisposableStack();
  const directory = await folder("nginx", made);
  const port = await freeTcpPort();
  const logPath = join(directory, "access.log");
  const template = await readFile(new URL("nginx.conf", import.meta.url), "utf8");
  const values: Readonly<Record<string, string>> = { DIRECTORY: directory, PORT: `${port}`, ORIGIN: `${originPort}` };
  const config = template.replace(/@(DIRECTORY|PORT|ORIGIN)@/g, (_, name: string) => values[name] as string);
  await writeFile(join(directory, "nginx.conf"), config);
  const child = await run("nginx", ["-p", directory, "-c", join(directory, "nginx.conf")], made);
  await answers(port);
  const pid = await onlyChildOf(child.pid as number);
  setPriority(pid, NICE);
  let read = 0;
  const started = made.move();
  return {
    port,
    pid,
    async passedOn() {
      const lines = (await readFile(logPath, "utf8")).split("\n").slice(0, -1);
      const fresh = lines.slice(read);
      read = lines.length;
      return { asked: fresh.length, passed: fresh.filter((line) => line !== "-").length };
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

export interface Icecast extends Neighbour {
  readonly path: string;
  /** Sends the next packet of 20 ms. */
  feed(packet: Uint8Array): void;
}

/** Starts Icecast with one source, which `feed` supplies. Rejects with one sentence if Icecast is not installed. */
export async function startIcecast(listeners: number): Promise<Icecast> {
  await using made = new AsyncDisposableStack();
  const directory = await folder("icecast", made);
  const port = await freeTcpPort();
  await writeFile(join(directory, "icecast.xml"), icecastXml(directory, port, listeners));
  const child = await run("icecast2", ["-c", join(directory, "icecast.xml")], made);
  await answers(port);
  setPriority(child.pid as number, NICE);
  const source = await openSource(port);
  made.defer(() => void source.destroy());
  const writer = createOggWriter();
  source.write(writer.head);
  const started = made.move();
  return {
    port,
    pid: child.pid as number,
    path: "/live.opus",
    feed(packet) {
      const page = writer.packet(packet);
      if (page.length > 0) source.write(page);
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

async function openSource(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const authorization = `Basic ${Buffer.from(`source:${PASSWORD}`).toString("base64")}`;
  const lines = ["PUT /live.opus HTTP/1.1", "Host: localhost", `Authorization: ${authorization}`];
  socket.write([...lines, "Content-Type: application/ogg", "Expect: 100-continue", "", ""].join("\r\n"));
  const [answer] = (await once(socket, "data")) as [Buffer];
  if (!/ (?:100|200) /.test(String(answer)))
    throw new Error(`Icecast refused the source: ${String(answer).split("\r")[0]}`);
  socket.on("error", () => undefined);
  return socket;
}

function icecastXml(directory: string, port: number, listeners: number): string {
  const isRoot = process.getuid?.() === 0;
  const owner = isRoot ? "<changeowner><user>nobody</user><group>nogroup</group></changeowner>" : "";
  return `<icecast>
  <limits><clients>${listeners + 10}</clients><sources>1</sources><burst-on-connect>0</burst-on-connect></limits>
  <authentication><source-password>${PASSWORD}</source-password><admin-password>${PASSWORD}</admin-password></authentication>
  <hostname>localhost</hostname>
  <listen-socket><port>${port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
  <paths><basedir>${directory}</basedir><logdir>${directory}</logdir><webroot>${directory}</webroot>
    <adminroot>${directory}</adminroot></paths>
  <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog><loglevel>2</loglevel></logging>
  <security><chroot>0</chroot>${owner}</security>
</icecast>`;
}

async function folder(name: string, made: AsyncDisposableStack): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `hustings-${name}-`));
  made.defer(() => rm(directory, { recursive: true, force: true }));
  await chmod(directory, 0o777);
  return directory;
}

async function run(command: string, args: readonly string[], made: AsyncDisposableStack): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "ignore"] });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const started = await Promise.race([once(child, "spawn").then(() => true), once(child, "error").then(() => false)]);
  if (!started) throw new Error(`there is no ${command} on this machine (Debian: apt-get install ${command})`);
  made.defer(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
    await gone;
  });
  return child;
}

async function answers(port: number): Promise<void> {
  await until(`port ${port} to answer`, async () => {
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return true;
    } finally {
      socket.destroy();
    }
  });
}

async function onlyChildOf(pid: number): Promise<number> {
  let child = 0;
  await until(`the worker of ${pid}`, async () => {
    child = Number((await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ")[0]);
    return child > 0;
  });
  return child;
}
