// Proves, with role processes that do nothing else, that a server's processes are always there, outlive their parent, are
// found again by the next, and end in order; and that a start that cannot be ends with one sentence and leaves nothing.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { systemClock } from "@hustings/flow/clock.ts";
import { tryTcpPort, tryUdpPort } from "../host/ports.ts";
import { isRealTime, mayGoRealTime, threadClasses } from "../host/realtime.ts";
import { askHealth, healthPath } from "./health.ts";
import { askParent } from "./parent-socket.ts";
import { type RoleName, runDirectory } from "./run-directory.ts";
import { stopAll } from "./stop-server.ts";
import { rolesOf } from "./supervisor.ts";

const PARENT = join(import.meta.dirname, "../testing/parent-process.ts");

test("runs every role, answers the door by its edges, and on SIGTERM ends all and leaves no socket", async (t) => {
  const place = await prepare(t);
  const { parent, next } = start(t, place);
  assert.equal(await next(), "ready ");
  assert.match(await knock(place), /^edge [01] \d+$/);
  assert.deepEqual(Object.keys(await pids(place)), ["stage 0", "api 0", "edge 0", "edge 1"]);
  const ended = once(parent, "exit");
  parent.kill("SIGTERM");
  assert.equal(await next(), "ended");
  assert.equal((await ended)[0], 0);
  assert.deepEqual(await pids(place), {});
  const left = (await readdir(runDirectory(place.data).path)).filter((name) => name.endsWith(".sock"));
  assert.deepEqual(left, []);
});

test("restarts a killed process without disturbing the others", async (t) => {
  const place = await prepare(t);
  await start(t, place).next();
  for (const killed of ["stage 0", "api 0", "edge 1"]) {
    const before = await pids(place);
    process.kill(before[killed] as number, "SIGKILL");
    const after = await until(
      () => pids(place),
      (now) => now[killed] !== undefined && now[killed] !== before[killed],
    );
    assert.deepEqual({ ...after, [killed]: 0 }, { ...before, [killed]: 0 });
  }
  assert.match(await knock(place), /^edge/);
});

test("a connection that arrives while every edge is dead waits for the next edge", async (t) => {
  const place = await prepare(t);
  await start(t, place).next();
  const before = await pids(place);
  for (const edge of ["edge 0", "edge 1"]) process.kill(before[edge] as number, "SIGKILL");
  assert.match(await knock(place), /^edge/);
});

test("a killed parent leaves the others running; the next one adopts them and restarts what dies", async (t) => {
  const place = await prepare(t);
  const first = start(t, place);
  await first.next();
  const before = await pids(place);
  first.parent.kill("SIGKILL");
  await once(first.parent, "exit");
  assert.match(await knock(place), /^edge/);
  assert.deepEqual(await pids(place), before);

  const second = start(t, place);
  assert.equal(await second.next(), "ready stage,api,edge 0,edge 1");
  assert.deepEqual(await pids(place), before);
  process.kill(before["edge 0"] as number, "SIGKILL");
  await until(
    () => pids(place),
    (now) => now["edge 0"] !== undefined && now["edge 0"] !== before["edge 0"],
  );
  const answers = new Set<string>();
  await until(
    async () => answers.add(await knock(place)),
    (seen) => seen.size === 2,
  );
  second.parent.kill("SIGTERM");
  assert.equal(await second.next(), "ended");
  assert.deepEqual(await pids(place), {});
});

test("only the stage is in the real-time class, after a restart and under a new parent too; where that is forbidden, it still runs", async (t) => {
  const place = await prepare(t);
  const first = start(t, place);
  await first.next();
  const { isRealTime: isAllowed } = await mayGoRealTime();
  const settles = async (): Promise<Record<string, number>> => {
    const now = await until(
      () => pids(place),
      (found) => Object.keys(found).length === 4,
    );
    await until(
      () => isRealTime(now["stage 0"] as number),
      (is) => is === isAllowed,
    );
    for (const role of ["api 0", "edge 0", "edge 1"]) assert.equal(await isRealTime(now[role] as number), false, role);
    return now;
  };
  const before = await settles();
  process.kill(before["stage 0"] as number, "SIGKILL");
  await until(
    () => pids(place),
    (now) => now["stage 0"] !== undefined && now["stage 0"] !== before["stage 0"],
  );
  const next = await settles();
  first.parent.kill("SIGKILL");
  await once(first.parent, "exit");
  assert.equal(await start(t, place).next(), "ready stage,api,edge 0,edge 1");
  assert.deepEqual(await settles(), next);
});

test("uses only niceness for the stage when the operator says so", async (t) => {
  const place = await prepare(t);
  await start(t, { ...place, more: { "stage-realtime": "off" } }).next();
  const threads = await threadClasses((await pids(place))["stage 0"] as number);
  assert.deepEqual(new Set(threads.map(({ policy }) => policy)), new Set(process.platform === "linux" ? [0] : []));
});

test("ends surplus edges that outlived their parent", async (t) => {
  const place = await prepare(t);
  await killedParent(t, place);
  assert.equal(await start(t, { ...place, edges: "1" }).next(), "ready stage,api,edge 0");
  assert.deepEqual(Object.keys(await pids(place)), ["stage 0", "api 0", "edge 0"]);
});

test("refuses to start beside processes of another version or with other settings, without touching them", async (t) => {
  const place = await prepare(t);
  const before = await killedParent(t, place);
  const other = await start(t, place, "2").next();
  assert.match(
    other,
    /^failed Version 1 of Hustings still runs on .*, this is 2: run "hustings stop --data .*" first\.$/,
  );
  const otherwise = await start(t, { ...place, more: { "dead-air": "30" } }).next();
  assert.match(otherwise, /^failed The running processes were started with other settings \(--dead-air\): run/);
  assert.deepEqual(await pids(place), before);
});

test("hustings stop ends everything of a data directory without a parent", async (t) => {
  const place = await prepare(t);
  await killedParent(t, place);
  assert.deepEqual(await stopAll(place.data, systemClock), ["edge 0", "edge 1", "api", "stage"].toSorted(byOrder));
  assert.deepEqual(await pids(place), {});
  assert.deepEqual(await stopAll(place.data, systemClock), []);
});

test("hustings stop ends a parent and all its processes", async (t) => {
  const place = await prepare(t);
  const { next } = start(t, place);
  await next();
  assert.deepEqual(await stopAll(place.data, systemClock), ["parent"]);
  assert.equal(await next(), "ended");
  assert.deepEqual(await pids(place), {});
});

test("refuses a second parent on the same data directory; the first continues", async (t) => {
  const place = await prepare(t);
  const { parent, next } = start(t, place);
  await next();
  const second = await start(t, place).next();
  assert.match(second, new RegExp(`^failed Hustings already runs on .* \\(process ${parent.pid}, version 1\\): stop`));
  assert.equal((await askParent(runDirectory(place.data).parentSocket))?.pid, parent.pid);
});

test("exactly one of five parents survives that start at once over a dead parent's socket", async (t) => {
  const place = await prepare(t);
  const dead = start(t, place);
  await dead.next();
  await stopAllBut(dead.parent, place);
  const words = await Promise.all(Array.from({ length: 5 }, () => start(t, place).next()));
  const living = words.filter((word) => word.startsWith("ready"));
  assert.equal(living.length, 1, words.join("\n"));
});

test("names a port in use with its flag and leaves nothing running", async (t) => {
  const place = await prepare(t);
  const taken = createServer().listen({ port: Number(place.stagePort), host: "::" });
  await once(taken, "listening");
  const words = await start(t, place).next();
  assert.equal(
    words,
    `failed TCP port ${place.stagePort} (the stage's own port) is in use by another program: stop that program, or choose another port with --stage-port.`,
  );
  await close(taken);
  const udp = createSocket("udp4").bind(Number(place.udpPort));
  await once(udp, "listening");
  assert.match(await start(t, place).next(), /^failed UDP port \d+ \(sound of speakers\) is in use.*--udp-port\.$/);
  udp.close();
  assert.deepEqual(await pids(place), {});
});

test("a role that cannot start fails the start with its reason and ends the roles that did start", async (t) => {
  const place = await prepare(t);
  const broken = { ...place, data: `${place.data}-broken` };
  t.after(() => rm(broken.data, { recursive: true, force: true }));
  assert.equal(await start(t, broken).next(), "failed The api failed: there is no paper left.");
  assert.deepEqual(await pids(broken), {});
});

test("names a data directory that cannot be written", async (t) => {
  const place = await prepare(t);
  const file = join(place.data, "file");
  await writeFile(file, "");
  const words = await start(t, { ...place, data: file }).next();
  assert.match(words, /^failed The data directory .*file cannot be written: .*\.$/);
});

interface Place {
  readonly data: string;
  readonly port: string;
  readonly stagePort: string;
  readonly udpPort: string;
  readonly edges: string;
  readonly more?: Record<string, string>;
}

async function prepare(t: TestContext): Promise<Place> {
  const data = await mkdtemp(join(tmpdir(), "hustings-ops-"));
  const [port, stagePort] = await Promise.all([freePort(), freePort()]);
  const place = { data, port: String(port), stagePort: String(stagePort), udpPort: String(stagePort), edges: "2" };
  t.after(async () => {
    await stopAll(data, systemClock);
    await rm(data, { recursive: true, force: true });
  });
  return place;
}

function start(t: TestContext, place: Place, version = "1") {
  const { data, port, stagePort, udpPort, edges, more } = place;
  const settings = { data, port, "stage-port": stagePort, "udp-port": udpPort, edges, ...more };
  const parent = spawn(process.execPath, [PARENT, JSON.stringify(settings), version], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: parent.stdout })[Symbol.asyncIterator]();
  const isOver = (): boolean => parent.exitCode !== null || parent.signalCode !== null;
  t.after(async () => {
    parent.stdout.destroy();
    if (!isOver()) await Promise.all([once(parent, "exit"), parent.kill("SIGTERM")]);
  });
  return { parent, next: async () => (await lines.next()).value as string };
}

/** The processes of a server whose parent was killed. */
async function killedParent(t: TestContext, place: Place): Promise<Record<string, number>> {
  const { parent, next } = start(t, place);
  assert.match(await next(), /^ready/);
  parent.kill("SIGKILL");
  await once(parent, "exit");
  return pids(place);
}

async function stopAllBut(parent: ChildProcess, place: Place): Promise<void> {
  parent.kill("SIGKILL");
  await once(parent, "exit");
  await stopAll(place.data, systemClock);
}

async function pids({ data }: Place): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const name of rolesOf({ edges: 2 })) {
    const pid = await pidOf(data, name);
    if (pid !== undefined) found[`${name.role} ${name.index}`] = pid;
  }
  return found;
}

async function pidOf(data: string, name: RoleName): Promise<number | undefined> {
  const health = await askHealth(runDirectory(data).controlSocket(name), healthPath(name)).catch(() => undefined);
  return health?.pid;
}

function knock({ port }: Place): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, agent: new Agent() }, (response) => {
      response.setEncoding("utf8");
      response.once("data", resolve);
      response.on("error", reject);
    });
    asked.on("error", reject);
    asked.end();
  });
}

async function until<Value>(look: () => Promise<Value>, isGood: (value: Value) => boolean): Promise<Value> {
  for (;;) {
    const value = await look();
    if (isGood(value)) return value;
  }
}

function byOrder(a: string, b: string): number {
  const order = ["stage", "api", "edge 0", "edge 1"];
  return order.indexOf(a) - order.indexOf(b);
}

// Below the range of ephemeral ports, from which other tests may be given one at the same time.
async function freePort(): Promise<number> {
  const port = 10_000 + Math.floor(Math.random() * 20_000);
  const isFree = await Promise.all([tryTcpPort("::", port), tryUdpPort(port)]).then(
    () => true,
    () => false,
  );
  return isFree ? port : freePort();
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()));
}
