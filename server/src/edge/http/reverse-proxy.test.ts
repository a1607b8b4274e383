import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "../../../../test/testing/until.ts";
import { sendRefusal } from "../../http/responses.ts";
import { get } from "../testing/edge-fixture.ts";
import { createClientAddresses } from "./client-address.ts";
import { createReverseProxy } from "./reverse-proxy.ts";

/** A server that proxies to `inside`, whose responses must begin within `answerMs`. */
async function start(inside: RequestListener, answerMs: number) {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "proxy-"));
  starting.defer(() => rm(folder, { recursive: true }));
  const socketPath = join(folder, "inside");
  const bounds = { maxRequests: 4, maxBodyBytes: 64, answerMs };
  const proxy = createReverseProxy({
    socketPath,
    errorWhenDown: "not-yet",
    clientAddresses: createClientAddresses([]),
    ...bounds,
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
  return { proxy, port, [Symbol.asyncDispose]: () => running.disposeAsync() };
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
