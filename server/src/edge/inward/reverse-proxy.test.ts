import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "../../../../test/testing/until.ts";
import { sendRefusal } from "../../http/responses.ts";
import { createClientAddresses } from "../http/client-address.ts";
import { get } from "../testing/edge-fixture.ts";
import { createReverseProxy, type ReverseProxyLimits } from "./reverse-proxy.ts";

const LIMITS: ReverseProxyLimits = {
  maxRequests: 4,
  maxStreams: 4,
  maxRequestsPerAddress: 100,
  maxBodyBytes: 64,
  maxBodies: 100,
};

/** A server that proxies to `inside`, whose responses must begin within `answerMs`. It believes X-Forwarded-For. */
async function start(inside: RequestListener, answerMs: number, limits: Partial<ReverseProxyLimits> = {}) {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "proxy-"));
  starting.defer(() => rm(folder, { recursive: true }));
  const socketPath = join(folder, "inside");
  const proxy = createReverseProxy({
    socketPath,
    errorWhenDown: "not-yet",
    clientAddresses: createClientAddresses(["127.0.0.1"]),
    answerMs,
    ...LIMITS,
    ...limits,
  });
  const outside: RequestListener = (request, response) => {
    const exchange = { request, response, url: new URL(request.url ?? "/", "http://edge") };
    proxy.pass(exchange).catch((cause: unknown) => sendRefusal(exchange, cause));
  };
  const servers = [createServer(inside).listen(socketPath), createServer(outside).listen(0, "127.0.0.1")] as const;
  await Promise.all(servers.map((server) => once(server, "listening")));
  for (const server of servers) {
    starting.defer(() => {
      server.closeAllConnections();
      server.close();
    });
  }
  const running = starting.move();
  const { port } = servers[1].address() as AddressInfo;
  return {
    proxy,
    port,
    /** A request from `address` whose body never comes, and its answer so far. */
    hang(address: string) {
      const socket = connect(port, "127.0.0.1").setEncoding("latin1");
      let text = "";
      let isClosed = false;
      socket.on("data", (some) => {
        text += some;
      });
      socket
        .on("error", () => undefined)
        .on("close", () => {
          isClosed = true;
        });
      socket.write(`POST /slow HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${address}\r\nContent-Length: 60\r\n\r\n{`);
      running.defer(() => void socket.destroy());
      return {
        get text() {
          return text;
        },
        get isClosed() {
          return isClosed;
        },
      };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

test("gives up a response that does not begin in time, with the named error", async () => {
  let requests = 0;
  await using server = await start(() => void requests++, 1_000);
  const { status, headers, body } = await get(server.port, "/slow");
  assert.deepEqual([status, headers["retry-after"], JSON.parse(body).error], [503, "1", "not-yet"]);
  assert.equal(requests, 1);
  await until("the request to be over", () => server.proxy.inFlight === 0);
});

test("waits for a response as long as it may take", async () => {
  await using server = await start((_, response) => void setTimeout(() => response.end("here"), 200), 60_000);
  assert.equal((await get(server.port, "/slow")).body, "here");
});

const echo: RequestListener = (request, response) => {
  response.setHeader("content-length", 2);
  request.resume().on("end", () => response.end("ok"));
};

test("slow bodies hold no slot of the process behind: requests beside them are answered", async () => {
  let reached = 0;
  await using server = await start(
    (...exchange) => {
      reached += 1;
      echo(...exchange);
    },
    60_000,
    { maxRequests: 2 },
  );
  const slow = Array.from({ length: 50 }, (_, i) => server.hang(`192.0.2.${i}`));
  await until("the bodies to be waited for", () => server.proxy.reading === 50);
  for (let i = 0; i < 10; i++) assert.equal((await get(server.port, "/here", {}, "POST", "{}")).body, "ok");
  assert.equal(reached, 10);
  assert.ok(slow.every(({ text }) => text === ""));
});

test("refuses the body that began first when too many arrive slowly, and closes its connection", async () => {
  await using server = await start(echo, 60_000, { maxBodies: 2 });
  const slow: ReturnType<typeof server.hang>[] = [];
  for (const [i, address] of ["192.0.2.1", "192.0.2.2", "192.0.2.3"].entries()) {
    slow.push(server.hang(address));
    await until(
      "it to be waited for",
      () => server.proxy.reading === Math.min(2, i + 1) && (i < 2 || slow[0]?.isClosed === true),
    );
  }
  assert.match(slow[0]?.text ?? "", /^HTTP\/1\.1 408 [\s\S]*too-slow/);
  assert.equal((await get(server.port, "/here", {}, "POST", "{}")).body, "ok");
  await until("the next one to be closed", () => slow[1]?.isClosed === true);
  assert.equal(slow[2]?.isClosed, false);
});

test("limits the requests of one address until they are answered, and not those of others", async () => {
  await using server = await start(echo, 60_000, { maxRequestsPerAddress: 3 });
  const from = (address: string) => get(server.port, "/here", { "x-forwarded-for": address }, "POST", "{}");
  for (let i = 0; i < 3; i++) server.hang("192.0.2.1");
  await until("the bodies to be waited for", () => server.proxy.reading === 3);
  const { status, headers, body } = await from("192.0.2.1");
  assert.deepEqual([status, headers["retry-after"], JSON.parse(body).error], [429, "1", "too-many"]);
  assert.equal((await from("192.0.2.2")).body, "ok");
});

test("slow readers of long answers hold no slot, and have a limit of their own", async () => {
  const long = "x".repeat(20_000_000);
  await using server = await start(
    ({ url }, response) => {
      const text = url === "/long" ? long : "ok";
      response.writeHead(200, { "content-length": text.length }).end(text);
    },
    60_000,
    { maxRequests: 1, maxStreams: 1 },
  );
  const reader = connect(server.port, "127.0.0.1");
  reader.on("error", () => undefined).write("GET /long HTTP/1.1\r\nHost: a\r\n\r\n");
  await once(reader, "data");
  reader.pause();
  assert.equal(server.proxy.inFlight, 0);
  assert.equal((await get(server.port, "/short")).body, "ok");
  const { status, body } = await get(server.port, "/long");
  assert.deepEqual([status, JSON.parse(body).error], [503, "full"]);
  reader.destroy();
  await until("room", async () => (await get(server.port, "/long")).status === 200);
});
