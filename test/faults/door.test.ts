// Tests the public door while edges die, drain, are restarted and are full: no listener is cut, no connection is refused,
// and people wait in the admission queue while every place is taken.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type HeadlessListener, startHeadlessListener } from "../../listener/headless/headless.ts";
import type { RoomDocument } from "../../wire/listen/room-document.ts";
import { ROUTES } from "../../wire/routes.ts";
import { startLiveSpace } from "../testing/fake-speaker.ts";
import {
  assertUndisturbed,
  assertWhole,
  type RecordingListener,
  startListening,
} from "../testing/recording-listener.ts";
import { type CreatedSpace, type RunningServer, startServer } from "../testing/running-server.ts";
import { PATIENCE_MS, until } from "../testing/until.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const run = promisify(execFile);

const server = await startServer({ edges: 2 });
after(() => server[Symbol.asyncDispose]());
const small = await startServer({ edges: 2, args: ["--listeners-per-edge", "2"] });
after(() => small[Symbol.asyncDispose]());

test("a draining edge hands its listeners over, ends, and is started again; other listeners are not disturbed", async (t) => {
  using live = await startLiveSpace(server, "One edge drains");
  await using all = await listenAtBoth(server, live.space);
  const before = await server.pidOf("edge-0");
  await post(join(server.dataDir, "run", "edge-0.sock"), "/drain");
  await until("another edge 0", async () => (await server.pidOf("edge-0").catch(() => before)) !== before);
  await Promise.all(all.ears.map((one) => one.hearsMore(15)));
  const moved = all.ears.filter(({ headless }) => headless.stats().connections > 1);
  assert.ok(moved.length > 0 && moved.length < all.ears.length, `${moved.length} of ${all.ears.length} moved`);
  for (const one of moved) assertWhole(one, "handed over");
  for (const one of all.ears.filter((other) => !moved.includes(other))) assertUndisturbed(one, "on the other edge");
  reportWaits(t, moved);
});

test("a rolling restart replaces every edge and the api, and every listener hears every word once", async (t) => {
  using live = await startLiveSpace(server, "Rolling");
  await using all = await listenAtBoth(server, live.space);
  const roles = ["edge-0", "edge-1", "api"];
  const before = await Promise.all(roles.map(server.pidOf));
  const stagePid = await server.pidOf("stage");
  const knocks = knockUntil(server);
  const { stdout } = await run(process.execPath, [MAIN, "restart", "--data", server.dataDir], { timeout: PATIENCE_MS });
  assert.match(stdout, /have been restarted/);
  const { answered, refused } = await knocks.end();
  const after = await Promise.all(roles.map(server.pidOf));
  assert.ok(after.every((pid, i) => pid !== before[i]));
  assert.equal(await server.pidOf("stage"), stagePid);
  await assert.rejects(server.health("edge-2"), "the extra edge has gone again");
  await Promise.all(all.ears.map((one) => one.hearsMore(15)));
  for (const one of all.ears) assertWhole(one, "through the restart");
  assert.equal(refused, 0, `${refused} connections were refused or reset, ${answered} answered`);
  assert.equal(live.host.connections, 1);
  t.diagnostic(`${answered} connections were answered meanwhile`);
  reportWaits(t, all.ears);
});

test("a connection that comes while an edge is killed is answered by another edge", async (t) => {
  const knocks = knockUntil(server);
  for (const edge of ["edge-0", "edge-1"]) {
    const before = await server.pidOf(edge);
    await server.kill(before);
    await until(`another ${edge}`, async () => (await server.pidOf(edge).catch(() => before)) !== before);
  }
  const { answered, refused, broken } = await knocks.end();
  t.diagnostic(`${answered} answered, ${refused} refused, ${broken} broken off`);
  assert.ok(answered > 100 && refused === 0, `${refused} refused`);
  // There are two connections at a time, and each of the two edges may have accepted both before it died.
  assert.ok(broken <= 4, `${broken} broke off after a process had accepted them`);
});

test("people wait in the queue while every edge is full, and get in automatically, in order", async () => {
  const server = small;
  using live = await startLiveSpace(server, "Full house");
  await using everyone = new AsyncDisposableStack();
  const inside: RecordingListener[] = [];
  // Each edge has two places.
  for (let count = 0; count < 4; count++) inside.push(everyone.use(await startListening(server, live.space)));
  await until("both edges to be full", async () => {
    const healths = await Promise.all(["edge-0", "edge-1"].map((edge) => server.health(edge)));
    return healths.every(({ places }) => places === 0) && healths.filter(({ open }) => open).length === 1;
  });
  const queue: HeadlessListener[] = [];
  for (let position = 1; position <= 3; position++) {
    const waiting = startWaiting(server, live.space);
    everyone.defer(() => waiting.stop());
    queue.push(waiting);
    await until(`position ${position}`, () => waiting.session.waiting?.position === position);
  }
  const room = await roomOf(server, live.space);
  assert.deepEqual([room.tier, room.line.count, room.stale], ["waiting", 3, false]);
  for (const [i, waiting] of queue.entries()) {
    inside[i]?.headless.stop();
    await until(`the one at place ${i + 1} to hear`, () => waiting.session.counts.newSlots > 5);
    const after = queue.slice(i + 1);
    assert.ok(after.every(({ session }) => session.counts.newSlots === 0 && session.link !== "following"));
  }
  assert.deepEqual(
    queue.map(({ session }) => session.waiting),
    [undefined, undefined, undefined],
  );
  const last = inside[3] as RecordingListener;
  await last.hearsMore(5);
  assertUndisturbed(last, "a listener with a place");
});

test("people return to their positions when the edge that keeps the queue is killed, and the next ones get in", async (t) => {
  const server = small;
  using live = await startLiveSpace(server, "The queue is killed");
  await using everyone = new AsyncDisposableStack();
  const inside: RecordingListener[] = [];
  for (let count = 0; count < 4; count++) inside.push(everyone.use(await startListening(server, live.space)));
  const queue: HeadlessListener[] = [];
  for (let position = 1; position <= 3; position++) {
    const waiting = startWaiting(server, live.space);
    everyone.defer(() => waiting.stop());
    queue.push(waiting);
    await until(`position ${position}`, () => waiting.session.waiting?.position === position);
  }
  const keepers = await Promise.all(["edge-0", "edge-1"].map((edge) => server.health(edge)));
  const keeper = keepers.find(({ waiting }) => waiting === 3);
  assert.ok(keeper, "one edge keeps the whole queue");
  await server.kill(Number(keeper["pid"]));
  // Its two listeners move to the other edge, beyond its places, or come first at its successor.
  await Promise.all(inside.map((one) => one.hearsMore(10)));
  for (const one of inside) assertWhole(one, "inside");
  reportWaits(t, inside);
  await until("the queue to hear or to wait again, in its order", () => isInOrder(queue));
  for (const one of inside.slice(0, 2)) one[Symbol.dispose]();
  await until("the first two of the queue to hear", () => queue.slice(0, 2).every(isHearing));
  assert.equal(queue[2]?.session.counts.newSlots, 0, "the third still waits");
  await until("the third to be at position 1", () => queue[2]?.session.waiting?.position === 1);
});

function isHearing({ session }: HeadlessListener): boolean {
  return session.counts.newSlots > 5;
}

// The first of the queue hear, and the others wait at positions 1, 2, and so on.
function isInOrder(queue: readonly HeadlessListener[]): boolean {
  const waiting = queue.filter((one) => !isHearing(one));
  const isEachAtPosition = waiting.every(({ session }, i) => session.waiting?.position === i + 1);
  return isEachAtPosition && queue.slice(0, queue.length - waiting.length).every(isHearing);
}

async function listenAtBoth(server: RunningServer, space: CreatedSpace) {
  const all = new AsyncDisposableStack();
  const listeners: RecordingListener[] = [];
  await until("both edges to have listeners", async () => {
    const more = await Promise.all([startListening(server, space), startListening(server, space)]);
    listeners.push(...more.map((one) => all.use(one)));
    const counts = await Promise.all(["edge-0", "edge-1"].map((edge) => server.health(edge)));
    return counts.every(({ listeners }) => Number(listeners) >= 2) || listeners.length >= 40;
  });
  return { ears: listeners, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

function startWaiting(server: RunningServer, { id }: CreatedSpace): HeadlessListener {
  return startHeadlessListener({ url: server.doorUrl.replace(/^http/, "ws") + ROUTES.listen(id), verify: true });
}

async function roomOf(server: RunningServer, { id }: CreatedSpace): Promise<RoomDocument> {
  return (await (await fetch(server.doorUrl + ROUTES.room(id))).json()) as RoomDocument;
}

// Opens two connections at a time and sends a request on each, until `end` is called.
function knockUntil(server: RunningServer) {
  const { hostname, port } = new URL(server.doorUrl);
  const counts = { answered: 0, refused: 0, broken: 0 };
  let isOver = false;
  const over = Promise.all([knocking(), knocking()]);
  async function knocking(): Promise<void> {
    while (!isOver) counts[await knock(hostname, Number(port))] += 1;
  }
  return {
    async end() {
      isOver = true;
      await over;
      return counts;
    },
  };
}

function knock(host: string, port: number): Promise<"answered" | "refused" | "broken"> {
  return new Promise((resolve) => {
    let isConnected = false;
    const socket = connect({ host, port });
    socket.on("connect", () => {
      isConnected = true;
      socket.write("GET /api/spaces HTTP/1.1\r\nHost: door\r\nConnection: close\r\n\r\n");
    });
    socket.once("data", () => {
      resolve("answered");
      socket.destroy();
    });
    socket.on("error", () => resolve(isConnected ? "broken" : "refused"));
    socket.on("close", () => resolve("broken"));
  });
}

function post(socketPath: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, method: "POST" }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode));
    });
    asked.on("error", reject);
    asked.end();
  });
}

function reportWaits(t: TestContext, listeners: readonly RecordingListener[]): void {
  const waits = listeners.map((one) => one.waitedMs());
  t.diagnostic(`waited ${Math.min(...waits)} to ${Math.max(...waits)} ms`);
}
