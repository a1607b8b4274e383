// Proves that the door answers as node:http would, whether it looked first or not, and that nobody is kept for ever.

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

/** A server whose own answer is `slow` and the path's `fast`, at `/fast` alone. */
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
  let came = 0;
  server.on("connection", () => {
    came += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    server,
    path,
    upgraded,
    /** Connections in all. */
    get came() {
      return came;
    },
    /** Connections that node:http has got. */
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
    /** Sends each part when the one before was read, and gives the answer to the last: its bytes up to `end`. */
    async ask(bytes: string, end: RegExp): Promise<string> {
      text = "";
      socket.write(bytes, "latin1");
      await until(`an answer that ends with ${end}`, () => end.test(text));
      return text;
    },
  };
}

test("one connection is answered at once where it can be, and by node:http where it cannot, in any order", async () => {
  await using serving = await startServer();
  const { closed, ask } = call(serving.port);
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
  assert.equal(serving.path.size, 0);
});

test("a request in pieces, two in one piece, and what is not ordinary are node:http's, whole", async () => {
  await using serving = await startServer();
  const { ask } = call(serving.port);
  const first = call(serving.port);
  first.socket.write("GET /fa");
  await until("the first piece is read", () => serving.handed === 1);
  assert.match(await first.ask(`st HTTP/1.1\r\n${HOST}\r\n`, /\/fast/), /slow GET \/fast/);
  const two = await ask(`GET /fast HTTP/1.1\r\n${HOST}\r\nGET /fast HTTP/1.1\r\n${HOST}\r\n`, /\/fast.*\/fast/s);
  assert.equal(two.match(/slow GET \/fast/g)?.length, 2);
  const none = await call(serving.port).ask("GET /fast HTTP/1.1\r\n\r\n", /\r\n\r\n/);
  assert.match(none, /^HTTP\/1\.1 400 /);
});

test("who says that it is their last request has the connection closed behind the whole answer", async () => {
  const page = prepareResponse(200, Buffer.from("x".repeat(8_000_000)), {});
  await using serving = await startServer({ respond: () => page });
  const { socket, closed, got } = call(serving.port);
  socket.write(`GET / HTTP/1.1\r\n${HOST}Connection: x, Close\r\n\r\n`);
  await closed;
  assert.match(got(), /^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n\r\nx+$/s);
  assert.equal(got().length - got().indexOf("\r\n\r\n") - 4, 8_000_000);
});

test("an upgrade in one piece leaves nothing behind on its socket; one in two comes by node:http", async () => {
  await using serving = await startServer();
  const heard: string[] = [];
  serving.server.on("upgrade", (request, socket) => {
    heard.push(request.url ?? "");
    serving.upgraded.push(socket as Socket);
  });
  const ask = `GET /listen/x HTTP/1.1\r\n${HOST}Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n${KEY}\r\n`;
  call(serving.port).socket.write(ask);
  await until("it is upgraded", () => serving.upgraded.length === 1);
  const [one] = serving.upgraded;
  assert.equal(serving.path.size, 0);
  assert.deepEqual(
    ["data", "timeout", "error"].map((event) => one?.listenerCount(event)),
    [0, 0, 0],
  );
  assert.equal(one?.timeout, 0);
  const { socket } = call(serving.port);
  socket.write(ask.slice(0, 40));
  await until("the first piece is read", () => serving.handed === 1);
  socket.write(ask.slice(40));
  await until("it is upgraded", () => serving.upgraded.length === 2);
  assert.deepEqual(heard, ["/listen/x"]);
  const plain = call(serving.port);
  assert.match(await plain.ask(`GET /fast HTTP/1.1\r\n${HOST}Upgrade: websocket\r\n\r\n`, /\/fast/), /slow GET/);
});

test("who asks for nothing is refused, who asks for nothing more is closed, who takes nothing is given up", async () => {
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

test("those who ask for much and take nothing share its bytes", async () => {
  const huge = prepareResponse(200, Buffer.alloc(64_000_000), {});
  let asked = 0;
  const ready = () => {
    asked += 1;
    return huge;
  };
  await using serving = await startServer({ respond: ready });
  const beforeBytes = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 20; i++) call(serving.port).socket.pause().write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  await until("all to have asked", () => asked === 20);
  const grewBytes = process.memoryUsage().arrayBuffers - beforeBytes;
  assert.ok(grewBytes < 32_000_000, `${grewBytes} bytes`);
});

test("who ends or breaks off is forgotten, and who waits is closed with the path", async () => {
  await using serving = await startServer();
  const ended = call(serving.port);
  ended.socket.end();
  await ended.closed;
  const broken = call(serving.port);
  await once(broken.socket, "connect");
  broken.socket.resetAndDestroy();
  await until("both to be forgotten", () => serving.came === 2 && serving.path.size === 0);
  const waiting = call(serving.port);
  await until("the third to wait", () => serving.came === 3 && serving.path.size === 1);
  serving.path[Symbol.dispose]();
  await waiting.closed;
  await until("nobody waits", () => serving.path.size === 0);
});

test("every page of the door is what node:http answers: status, headers but for the date, and each byte", async () => {
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
