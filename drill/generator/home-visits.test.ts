import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { until } from "../../test/testing/until.ts";
import { emptyCounts } from "../record/crowd-report.ts";
import { countOf, quantileMs } from "../record/histogram.ts";
import { HomeVisits } from "./home-visits.ts";
import { createDialer } from "./sockets/listener-socket.ts";

async function serve(answer: RequestListener) {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    door: { host: "127.0.0.1", port, isTls: false },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

test("measures a visit from leaving to the complete page; a failed one has a reason and no time", async () => {
  const clock = manualClock();
  const answers: (() => void)[] = [];
  const froms = new Set<string>();
  await using server = await serve(({ socket }, response) => {
    froms.add(socket.remoteAddress ?? "");
    const isBusy = answers.length === 2;
    answers.push(() => (isBusy ? response.writeHead(503).end() : response.end("<html>")));
  });
  const counts = emptyCounts();
  const visits = new HomeVisits(server.door, counts, clock, 3);
  for (let i = 0; i < 201; i++) visits.expectVisit();
  for (let i = 0; i < 201; i++) visits.visit(clock.monotonicMs());
  visits.step();
  await until("all requests", () => answers.length === 201);
  clock.advance(420);
  for (const answer of answers) answer();
  await until("all visits to end", () => counts.homePages + counts.homeFailed === 201);
  assert.deepEqual([counts.homeRequests, counts.homePages, counts.homeFailed], [201, 200, 1]);
  assert.deepEqual([countOf(visits.durations()), quantileMs(visits.durations(), 0)], [200, 420]);
  assert.deepEqual(visits.failureReasons(), { "home page: HTTP 503": 1 });
  assert.equal(froms.size, 2, "a new loopback address for every 200 visits");
});

test("each visit fails once when the door refuses connections", async () => {
  const server = await serve(() => undefined);
  await server[Symbol.asyncDispose]();
  const counts = emptyCounts();
  const visits = new HomeVisits(server.door, counts, manualClock(), 0);
  for (let i = 0; i < 5; i++) visits.visit(0);
  visits.step();
  await until("all visits to end", () => counts.homeFailed === 5);
  assert.deepEqual(visits.failureReasons(), { "home page: ECONNREFUSED": 5 });
});

test("a visit fails 15 s after leaving, even when part of the page has come", async () => {
  const clock = manualClock();
  let requests = 0;
  await using server = await serve((_, response) => {
    requests++;
    response.write("<html>");
  });
  const counts = emptyCounts();
  const visits = new HomeVisits(server.door, counts, clock, 0);
  for (let i = 0; i < 5; i++) visits.visit(clock.monotonicMs());
  visits.step();
  await until("all requests", () => requests === 5);
  clock.advance(10_000);
  visits.visit(clock.monotonicMs());
  visits.step();
  await until("the last request", () => requests === 6);
  clock.advance(4_999);
  visits.step();
  assert.equal(counts.homeFailed, 0);
  clock.advance(1);
  visits.step();
  await until("the first five to time out", () => counts.homeFailed === 5);
  clock.advance(10_000);
  visits.step();
  await until("the last to time out", () => counts.homeFailed === 6);
  assert.deepEqual(visits.failureReasons(), { "home page: no answer": 6 });
});

test("truncated pages and invalid HTTP are failures; a page without a length ends with the connection", async () => {
  const answers = [
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12345",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345",
    "HTTP/1.1 200 OK\r\n\r\n12345",
    "SSH-2.0\r\n\r\n",
    `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(5_000)}`,
    "",
  ];
  const server = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.resume().end(answers.pop() ?? "");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const counts = emptyCounts();
  const visits = new HomeVisits({ host: "127.0.0.1", port, isTls: false }, counts, manualClock(), 0);
  for (let i = 0; i < 6; i++) visits.visit(0);
  visits.step();
  await until("all visits to end", () => counts.homePages + counts.homeFailed === 6);
  assert.deepEqual([counts.homePages, counts.homeFailed], [2, 4]);
  assert.deepEqual(visits.failureReasons(), { "home page: no answer": 2, "home page: HTTP 0": 2 });
  server.close();
  await once(server, "close");
});

test("connects from the given addresses in rotation", async () => {
  const froms: string[] = [];
  await using server = await serve(({ socket }, response) => {
    froms.push(socket.remoteAddress ?? "");
    response.end();
  });
  const from = ["127.0.0.21", "127.0.0.22"];
  const dial = createDialer({ ...server.door, from }, 0);
  const events = { bytes: () => undefined, over: () => undefined };
  const sockets = [0, 1, 2, 3].map((i) => dial(i, "/listen/x", events));
  await until("all connections", () => froms.length === 4);
  assert.deepEqual(froms.sort(), ["127.0.0.21", "127.0.0.21", "127.0.0.22", "127.0.0.22"]);
  for (const socket of sockets) socket.end();
});
