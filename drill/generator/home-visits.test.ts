import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { until } from "../../test/support/until.ts";
import { countOf, noCounts, quantileMs } from "../record/crowd-report.ts";
import { HomeVisits } from "./home-visits.ts";
import { dialer } from "./sockets/listener-socket.ts";

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

test("a visit takes as long as from leaving to the whole page, and what failed has a reason and no time", async () => {
  const clock = manualClock();
  const answers: (() => void)[] = [];
  const froms = new Set<string>();
  await using server = await serve(({ socket }, response) => {
    froms.add(socket.remoteAddress ?? "");
    const isBusy = answers.length === 2;
    answers.push(() => (isBusy ? response.writeHead(503).end() : response.end("<html>")));
  });
  const counts = noCounts();
  const visits = new HomeVisits(server.door, counts, clock, 3);
  for (let i = 0; i < 201; i++) visits.left();
  for (let i = 0; i < 201; i++) visits.visit(clock.monotonicMs());
  visits.step();
  await until("all to have asked", () => answers.length === 201);
  clock.advance(420);
  for (const answer of answers) answer();
  await until("all to be done", () => counts.homeAnswered + counts.homeFailed === 201);
  assert.deepEqual([counts.homeAsked, counts.homeAnswered, counts.homeFailed], [201, 200, 1]);
  assert.deepEqual([countOf(visits.spread()), quantileMs(visits.spread(), 0)], [200, 420]);
  assert.deepEqual(visits.whys(), { "home page: HTTP 503": 1 });
  assert.equal(froms.size, 2, "another address of loopback for each 200");
});

test("where nobody answers at the door each visit fails once", async () => {
  const server = await serve(() => undefined);
  await server[Symbol.asyncDispose]();
  const counts = noCounts();
  const visits = new HomeVisits(server.door, counts, manualClock(), 0);
  for (let i = 0; i < 5; i++) visits.visit(0);
  visits.step();
  await until("all to be done", () => counts.homeFailed === 5);
  assert.deepEqual(visits.whys(), { "home page: ECONNREFUSED": 5 });
});

test("who has no page fifteen seconds after leaving has none, however much of it came meanwhile", async () => {
  const clock = manualClock();
  let asked = 0;
  await using server = await serve((_, response) => {
    asked++;
    response.write("<html>");
  });
  const counts = noCounts();
  const visits = new HomeVisits(server.door, counts, clock, 0);
  for (let i = 0; i < 5; i++) visits.visit(clock.monotonicMs());
  visits.step();
  await until("all to have asked", () => asked === 5);
  clock.advance(10_000);
  visits.visit(clock.monotonicMs());
  visits.step();
  await until("the last to have asked", () => asked === 6);
  clock.advance(4_999);
  visits.step();
  assert.equal(counts.homeFailed, 0);
  clock.advance(1);
  visits.step();
  await until("the first five to have given up", () => counts.homeFailed === 5);
  clock.advance(10_000);
  visits.step();
  await until("the last to have given up", () => counts.homeFailed === 6);
  assert.deepEqual(visits.whys(), { "home page: no answer": 6 });
});

test("a page that breaks off, and what is no HTTP, are no pages; one without a length ends with the connection", async () => {
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
  const counts = noCounts();
  const visits = new HomeVisits({ host: "127.0.0.1", port, isTls: false }, counts, manualClock(), 0);
  for (let i = 0; i < 6; i++) visits.visit(0);
  visits.step();
  await until("all to be done", () => counts.homeAnswered + counts.homeFailed === 6);
  assert.deepEqual([counts.homeAnswered, counts.homeFailed], [2, 4]);
  assert.deepEqual(visits.whys(), { "home page: no answer": 2, "home page: HTTP 0": 2 });
  server.close();
  await once(server, "close");
});

test("listeners come from the addresses that were given, by turns", async () => {
  const froms: string[] = [];
  await using server = await serve(({ socket }, response) => {
    froms.push(socket.remoteAddress ?? "");
    response.end();
  });
  const from = ["127.0.0.21", "127.0.0.22"];
  const dial = dialer({ ...server.door, from }, 0);
  const events = { bytes: () => undefined, over: () => undefined };
  const lines = [0, 1, 2, 3].map((i) => dial(i, "/listen/x", events));
  await until("all to be there", () => froms.length === 4);
  assert.deepEqual(froms.sort(), ["127.0.0.21", "127.0.0.21", "127.0.0.22", "127.0.0.22"]);
  for (const line of lines) line.end();
});
