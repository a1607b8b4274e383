import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "@hustings/flow/clock.ts";
import { INIT_NAME } from "@hustings/media/hls/playlist.ts";
import { until } from "../../../../test/testing/until.ts";
import { prepareResponse } from "../../http/responses.ts";
import { SPACE } from "../../replica/testing/fake-upstream.ts";
import { startFixture } from "../testing/edge-fixture.ts";
import { createFastPath, type FastPathOptions } from "./fast-path.ts";

const HOST = "Host: a\r\n";
const SOON = { clock: systemClock, firstMs: 60_000, nextMs: 60_000, sendMs: 60_000 };
const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/** A server that answers `slow`, with a fast path that answers `fast` at `/fast` only. */
async function startServer(options: Partial<FastPathOptions> = {}) {
  const server = createServer((request, response) => response.end(`slow ${request.method} ${request.url}`));
  const fast = prepareResponse(200, Buffer.from("fast"), { "content-type": "text/plain" });
  const upgraded: Socket[] = [];
  let handed = 0;
  server.on("connection", () => {
    handed += 1;
  });
  const path = createFastPath(server, {
    ...SOON,
    respond: ({ url }) => (url === "/fast" ? fast : undefined),
    upgrade: (_, socket) => upgraded.push(socket),
    ...options,
  });
  let accepted = 0;
  server.on("connection", () => {
    accepted += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    server,
    path,
    upgraded,
    /** Connections accepted. */
    get accepted() {
      return accepted;
    },
    /** Connections passed to node:http. */
    get handed() {
      return handed;
    },
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      path[Symbol.dispose]();
      for (const socket of upgraded) socket.destroy();
      server.closeAllConnections();
      await closed;
    },
  };
}

function call(port: number) {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.setEncoding("latin1").on("data", (some) => {
    text += some;
  });
  socket.on("error", () => undefined);
  const closed = once(socket, "close");
  return {
    socket,
    closed,
    got: () => text,
    /** Sends each part after the one before was read, and returns the response to the last, up to `end`. */
    async ask(bytes: string, end: RegExp): Promise<string> {
      text = "";
      socket.write(bytes, "latin1");
      await until(`an answer that ends with ${end}`, () => end.test(text));
      return text;
    },
  };
}

test("answers what it can at once and passes the rest to node:http, in any order on one connection", async () => {
  await using server = await startServer();
  const { closed, ask } = call(server.port);
  const fast = await ask(`GET /fast HTTP/1.1\r\n${HOST}\r\n`, /fast$/);
  assert.match(
    fast,
    /^HTTP\/1\.1 200 OK\r\n.*content-length: 4\r\n.*Date: .* GMT\r\nConnection: keep-alive\r\nKeep-Alive: timeout=60\r\n/s,
  );
  assert.match(await ask(`GET /fast HTTP/1.1\r\n${HOST}\r\n`, /fast$/), /200 OK/);
  assert.match(
    await ask(`POST /fast HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nab`, /0\r\n\r\n$|\/fast$/),
    /slow POST \/fast/,
  );
  assert.match(await ask(`GET /fast HTTP/1.1\r\n${HOST}\r\n`, /\/fast/), /slow GET \/fast/);
  assert.match(await ask(`GET /slow HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, /\/slow/), /slow GET \/slow/);
  await closed;
  assert.equal(server.path.size, 0);
});

test("passes requests in pieces, two in one piece, and unusual ones whole to node:http", async () => {
  await using server = await startServer();
  const { ask } = call(server.port);
  const first = call(server.port);
  first.socket.write("GET /fa");
  await until("the first piece is read", () => server.handed === 1);
  assert.match(await first.ask(`st HTTP/1.1\r\n${HOST}\r\n`, /\/fast/), /slow GET \/fast/);
  const two = await ask(`GET /fast HTTP/1.1\r\n${HOST}\r\nGET /fast HTTP/1.1\r\n${HOST}\r\n`, /\/fast.*\/fast/s);
  assert.equal(two.match(/slow GET \/fast/g)?.length, 2);
  const none = await call(server.port).ask("GET /fast HTTP/1.1\r\n\r\n", /\r\n\r\n/);
  assert.match(none, /^HTTP\/1\.1 400 /);
});

test("closes the connection after the whole response when the client asks for that", async () => {
  const page = prepareResponse(200, Buffer.from("x".repeat(8_000_000)), {});
  await using server = await startServer({ respond: () => page });
  const { socket, closed, got } = call(server.port);
  socket.write(`GET / HTTP/1.1\r\n${HOST}Connection: x, Close\r\n\r\n`);
  await closed;
  assert.match(got(), /^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n\r\nx+$/s);
  assert.equal(got().length - got().indexOf("\r\n\r\n") - 4, 8_000_000);
});

test("an upgrade in one piece leaves nothing on its socket; one in two pieces goes through node:http", async () => {
  await using server = await startServer();
  const heard: string[] = [];
  server.server.on("upgrade", (request, socket) => {
    heard.push(request.url ?? "");
    server.upgraded.push(socket as Socket);
  });
  const ask = `GET /listen/x HTTP/1.1\r\n${HOST}Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n${KEY}\r\n`;
  call(server.port).socket.write(ask);
  await until("it is upgraded", () => server.upgraded.length === 1);
  const [one] = server.upgraded;
  assert.equal(server.path.size, 0);
  assert.deepEqual(
    ["data", "timeout", "error"].map((event) => one?.listenerCount(event)),
    [0, 0, 0],
  );
  assert.equal(one?.timeout, 0);
  const { socket } = call(server.port);
  socket.write(ask.slice(0, 40));
  await until("the first piece is read", () => server.handed === 1);
  socket.write(ask.slice(40));
  await until("it is upgraded", () => server.upgraded.length === 2);
  assert.deepEqual(heard, ["/listen/x"]);
  const plain = call(server.port);
  assert.match(await plain.ask(`GET /fast HTTP/1.1\r\n${HOST}Upgrade: websocket\r\n\r\n`, /fast$/), /200 OK/);
});

test("refuses a client that sends no request, closes one that sends no further one, and cuts one that reads nothing", async () => {
  await using first = await startServer({ firstMs: 20 });
  const silent = call(first.port);
  await silent.closed;
  assert.match(silent.got(), /^HTTP\/1\.1 408 .*too-slow/s);
  await using next = await startServer({ nextMs: 20 });
  const replica = call(next.port);
  replica.socket.write(`GET /fast HTTP/1.1\r\n${HOST}\r\n`);
  await replica.closed;
  assert.match(replica.got(), /fast$/);
  const huge = prepareResponse(200, Buffer.alloc(64_000_000), {});
  let asked = 0;
  const ready = () => {
    asked += 1;
    return huge;
  };
  await using take = await startServer({ sendMs: 20, respond: ready });
  for (const last of ["", "Connection: close\r\n"]) {
    const { socket } = call(take.port);
    socket.pause().write(`GET / HTTP/1.1\r\n${HOST}${last}\r\n`);
  }
  await until("both to have asked", () => asked === 2);
  await until("0 wait", () => take.path.size === 0);
});

test("slow readers of a large response share its bytes", async () => {
  const huge = prepareResponse(200, Buffer.alloc(64_000_000), {});
  let asked = 0;
  const ready = () => {
    asked += 1;
    return huge;
  };
  await using server = await startServer({ respond: ready });
  const beforeBytes = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 20; i++) call(server.port).socket.pause().write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  await until("all to have asked", () => asked === 20);
  const grewBytes = process.memoryUsage().arrayBuffers - beforeBytes;
  assert.ok(grewBytes < 32_000_000, `${grewBytes} bytes`);
});

test("forgets a client that ends or breaks off, and closes waiting ones when it is disposed of", async () => {
  await using server = await startServer();
  const ended = call(server.port);
  ended.socket.end();
  await ended.closed;
  const broken = call(server.port);
  await once(broken.socket, "connect");
  broken.socket.resetAndDestroy();
  await until("both to be forgotten", () => server.accepted === 2 && server.path.size === 0);
  const waiting = call(server.port);
  await until("the third to wait", () => server.accepted === 3 && server.path.size === 1);
  server.path[Symbol.dispose]();
  await waiting.closed;
  await until("nobody waits", () => server.path.size === 0);
});

test("every page is what node:http sends: status, headers except the date, and each byte", async () => {
  const folder = await mkdtemp(join(tmpdir(), "edge-"));
  await using made = new AsyncDisposableStack();
  made.defer(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "assets"));
  await writeFile(
    join(folder, "index.html"),
    "<!doctype html><html><head><!--head--></head><body><!--boot--></body></html>",
  );
  await writeFile(join(folder, "assets", "app-Ab12Cd34.js"), "console.log(1);".repeat(100));
  const fixture = made.use(await startFixture({ assetsDirectory: folder }));
  await fixture.stage.create(SPACE, "On air");
  const { port } = fixture.edge;
  const answer = async (path: string, headers: string, isWhole: boolean): Promise<string> => {
    const { socket, closed, got } = call(port);
    const bytes = `GET ${path} HTTP/1.1\r\n${HOST}${headers}Connection: close\r\n\r\n`;
    await once(socket, "connect");
    socket.setNoDelay(true).write(isWhole ? bytes : bytes.slice(0, 20));
    if (!isWhole) setImmediate(() => socket.write(bytes.slice(20)));
    await closed;
    const [head = "", ...body] = got().split("\r\n\r\n");
    const lines = head.split("\r\n").filter((line) => !line.startsWith("Date: "));
    return [lines[0], ...lines.slice(1).sort(), ...body].join("\r\n");
  };
  const room = `/api/spaces/${SPACE}/room`;
  const [, etag = ""] = /\r\netag: (.*?)\r\n/.exec(await answer(room, "", false)) ?? [];
  const statuses: string[] = [];
  for (const [path, headers] of [
    ["/", ""],
    ["/", "Accept-Encoding: gzip, br\r\n"],
    [`/s/${SPACE}`, "Accept-Encoding: br\r\n"],
    ["/s/nobody", ""],
    [room, ""],
    [room, `If-None-Match: ${etag}\r\n`],
    ["/api/spaces", ""],
    ["/assets/app-Ab12Cd34.js", "Accept-Encoding: br\r\n"],
    ["/assets/app-Ab12Cd34.js", "Range: bytes=2-5\r\n"],
    [`/hls/${SPACE}/32/${INIT_NAME}`, ""],
    [`/hls/${SPACE}/32/index.m3u8`, ""],
    ["/assets/../index.html", "Accept: text/html\r\n"],
    ["/listen/x", ""],
    ["/nowhere", ""],
  ] as const) {
    const byNode = await answer(path, headers, false);
    assert.equal(await answer(path, headers, true), byNode, path);
    statuses.push(byNode.slice(9, 12));
  }
  assert.deepEqual(statuses, "200 200 200 404 200 304 200 200 206 200 503 404 400 404".split(" "));
});
