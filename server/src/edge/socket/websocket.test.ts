import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { WebSocket } from "ws";
import { until } from "../../../../test/testing/until.ts";
import { refusalOf, refuseSocket } from "../../http/responses.ts";
import { closing, frame } from "../testing/websocket-vectors.ts";
import { JoinedFrames } from "./joined-frames.ts";
import { CLOSING_MS, ListenerSocket, type SocketContext } from "./websocket.ts";
import { binaryFrame } from "./websocket-framing.ts";
import { acceptUpgrade } from "./websocket-upgrade.ts";

const HEAD = [
  "GET / HTTP/1.1",
  "Host: a",
  "Connection: keep-alive, Upgrade",
  "Upgrade: WebSocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Protocol: chat, hustings.1",
];

/** A server that returns each text as a binary message and records the events of its sockets. */
async function startEcho() {
  const clock = manualClock();
  const events: string[] = [];
  const sockets: ListenerSocket<string>[] = [];
  const context: SocketContext<string> = {
    clock,
    joined: new JoinedFrames(),
    text(socket, text) {
      events.push(`text:${text}`);
      socket.write(binaryFrame(Buffer.from(text)));
    },
    control: () => void events.push("control"),
    closed: (socket) => void events.push(`gone:${socket.state}`),
  };
  const server = createServer().listen(0, "127.0.0.1");
  server.on("upgrade", (request, socket, head) => {
    try {
      const answer = acceptUpgrade(request);
      const connection = new ListenerSocket(socket, context, "state");
      sockets.push(connection);
      connection.sendUpgradeResponse(answer, head);
    } catch (cause) {
      refuseSocket(socket, refusalOf(cause));
    }
  });
  await once(server, "listening");
  return {
    clock,
    told: events,
    sockets,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A client that sends raw bytes; `until` waits until the received text matches. */
async function openRaw(port: number, lines: readonly string[] = HEAD, more: Buffer = Buffer.alloc(0)) {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  let wake = () => {};
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve())).then(() => wake());
  socket.setEncoding("latin1").on("data", (some) => {
    text += some;
    wake();
  });
  socket.on("error", () => undefined);
  socket.write(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), more]));
  return {
    socket,
    closed,
    get text() {
      return text;
    },
    async until(pattern: RegExp) {
      while (!pattern.test(text)) {
        assert.ok(!socket.destroyed, `closed after ${JSON.stringify(text)}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

function endsWith(raw: { readonly text: string }, ...parts: readonly (string | readonly number[])[]): boolean {
  return raw.text.endsWith(
    parts.map((part) => (typeof part === "string" ? part : String.fromCharCode(...part))).join(""),
  );
}

test("accepts an upgrade with the RFC's own example, the subprotocol, and no extension", async () => {
  await using echo = await startEcho();
  const raw = await openRaw(echo.port, [...HEAD, "Sec-WebSocket-Extensions: permessage-deflate"]);
  await raw.until(/\r\n\r\n/);
  assert.match(raw.text, /^HTTP\/1\.1 101 /);
  assert.match(raw.text, /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
  assert.match(raw.text, /Sec-WebSocket-Protocol: hustings\.1\r\n/);
  assert.doesNotMatch(raw.text, /extensions/i);
  raw.socket.destroy();
});

test("refuses an upgrade without key, version, subprotocol or websocket with 400, and names what is missing", async () => {
  await using echo = await startEcho();
  const wrong: [RegExp, string][] = [
    [/^Sec-WebSocket-Key/, "Sec-WebSocket-Key: short"],
    [/^Sec-WebSocket-Key/, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR=="],
    [/^Sec-WebSocket-Version/, "Sec-WebSocket-Version: 8"],
    [/^Sec-WebSocket-Protocol/, "Sec-WebSocket-Protocol: hustings.2"],
    [/^Upgrade/, "Upgrade: h2c"],
    [/^GET/, "POST / HTTP/1.1"],
  ];
  for (const [which, line] of wrong) {
    const raw = await openRaw(
      echo.port,
      HEAD.map((one) => (which.test(one) ? line : one)),
    );
    await raw.closed;
    assert.match(raw.text, /^HTTP\/1\.1 400 [\s\S]*bad-request/, line);
  }
  assert.equal(echo.sockets.length, 0);
});

test("talks with another client implementation, in several frames and with pings in between", async () => {
  await using echo = await startEcho();
  const client = new WebSocket(`ws://127.0.0.1:${echo.port}/`, "hustings.1");
  await once(client, "open");
  assert.deepEqual([client.protocol, client.extensions], ["hustings.1", ""]);
  client.send("Grüß ", { fin: false });
  client.ping("p");
  client.send("Gott", { fin: true });
  const [[pong], [message]] = await Promise.all([once(client, "pong"), once(client, "message")]);
  assert.deepEqual([String(pong), String(message)], ["p", "Grüß Gott"]);
  client.close(4_321, "enough");
  const [code] = await once(client, "close");
  assert.equal(code, 4_321);
  await until("the socket to be gone", () => echo.told.includes("gone:state"));
  assert.deepEqual(echo.told, ["control", "text:Grüß Gott", "gone:state"]);
});

test("reads bytes that came with the request, and sends its close reason", async () => {
  await using echo = await startEcho();
  const raw = await openRaw(echo.port, HEAD, frame(1, "early"));
  await raw.until(/early$/);
  const client = new WebSocket(`ws://127.0.0.1:${echo.port}/`, "hustings.1");
  await once(client, "open");
  echo.sockets[1]?.close(4_408, `too slow – ${"x".repeat(200)}`);
  const [code, reason] = await once(client, "close");
  assert.deepEqual([code, String(reason)], [4_408, `too slow ? ${"x".repeat(112)}`]);
  raw.socket.destroy();
});

test("ignores pings, texts and a second close after a close (cases 7.1.2 to 7.1.5)", async () => {
  await using echo = await startEcho();
  const after = [frame(9), frame(1, "late"), closing(1000), frame(0, "rest")];
  const raw = await openRaw(echo.port, HEAD, Buffer.concat([closing(1001, "bye"), ...after]));
  await raw.closed;
  assert.ok(endsWith(raw, "\r\n\r\n", [0x88, 2, 0x03, 0xe9]));
  await until("the socket to be gone", () => echo.told.length > 0);
  assert.deepEqual(echo.told, ["gone:state"]);
});

test("answers a close after everything that was written, and closes at once without waiting for the peer", async () => {
  await using echo = await startEcho();
  const raw = connect({ port: echo.port, host: "127.0.0.1", allowHalfOpen: true });
  let text = "";
  raw.setEncoding("latin1").on("data", (some) => {
    text += some;
  });
  raw.write(`${HEAD.join("\r\n")}\r\n\r\n`);
  await until("the upgrade", () => text.includes("\r\n\r\n"));
  echo.sockets[0]?.write(binaryFrame(Buffer.from("one")));
  raw.write(closing(1000));
  await once(raw, "end");
  assert.ok(endsWith({ text }, "\r\n\r\n", [0x82, 3], "one", [0x88, 2, 0x03, 0xe8]));
  await until("the socket to be gone", () => echo.told.length > 0);
  assert.deepEqual(echo.told, ["gone:state"]);
  raw.destroy();
});

test("answers a fault with its code and ends the connection, though the client keeps sending", async () => {
  await using echo = await startEcho();
  const raw = await openRaw(echo.port, HEAD, frame(1, "a", { isMasked: false }));
  raw.socket.write(Buffer.alloc(200_000, 0x81));
  await raw.closed;
  assert.ok(endsWith(raw, [0x88, 23, 0x03, 0xea], "a frame is not masked"));
  await until("the socket to be gone", () => echo.told.length > 0);
  assert.deepEqual(echo.told, ["gone:state"]);
});

test("cuts a peer that does not answer a close after three seconds, and one that half-closes at once", async () => {
  await using echo = await startEcho();
  const silent = await openRaw(echo.port);
  await silent.until(/\r\n\r\n/);
  echo.sockets[0]?.close(4_505, "draining");
  await silent.until(/draining$/);
  await echo.clock.advanceAsync(CLOSING_MS - 1);
  assert.deepEqual(echo.told, []);
  await echo.clock.advanceAsync(1);
  await silent.closed;
  const half = await openRaw(echo.port);
  await half.until(/\r\n\r\n/);
  half.socket.end();
  await half.closed;
  await until("both to be gone", () => echo.told.length > 1);
  assert.deepEqual(echo.told, ["gone:state", "gone:state"]);
});

test("sends held frames in one write after the upgrade response, and nothing after a close", async () => {
  await using echo = await startEcho();
  const raw = await openRaw(echo.port);
  await raw.until(/\r\n\r\n/);
  const socket = echo.sockets[0] as ListenerSocket<string>;
  socket.hold();
  socket.write(binaryFrame(Buffer.from("one")));
  assert.equal(socket.unsentBytes, 5);
  socket.write(binaryFrame(Buffer.from("two")));
  socket.release();
  socket.close(4_410, "ended");
  socket.write(binaryFrame(Buffer.from("three")));
  await raw.until(/ended/);
  raw.socket.end(closing(4_410));
  await raw.closed;
  assert.ok(endsWith(raw, [0x82, 3], "one", [0x82, 3], "two", [0x88, 7, 0x11, 0x3a], "ended"));
});
