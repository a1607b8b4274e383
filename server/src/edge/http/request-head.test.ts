import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import { duplexPair } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { MAX_HEAD_BYTES } from "../../http/request-target.ts";
import { MAX_HEADERS, readHead } from "./request-head.ts";

const read = (text: string) => readHead(Buffer.from(text, "latin1"));

test("reads an ordinary head: names in lower case, values without surrounding space", () => {
  assert.deepEqual(
    { ...read("GET /s/x?y=1 HTTP/1.1\r\nHost: a\r\nAccept-Encoding:\tgzip, br \r\nX:\r\n\r\n")?.headers },
    {
      host: "a",
      "accept-encoding": "gzip, br",
      x: "",
    },
  );
  assert.equal(read("GET /s/x?y=1 HTTP/1.1\r\nHost: a\r\n\r\n")?.url, "/s/x?y=1");
  assert.equal(read("GET / HTTP/1.1\r\n__proto__: a\r\nHost: a\r\n\r\n")?.headers.host, "a");
});

test("leaves every other request to node:http", () => {
  const host = "Host: a\r\n";
  for (const text of [
    "",
    "GET / HTTP/1.1\r\n\r\n",
    `GET / HTTP/1.1\r\n${host}`,
    `POST / HTTP/1.1\r\n${host}\r\n`,
    `GET / HTTP/1.0\r\n${host}\r\n`,
    `GET http://a/ HTTP/1.1\r\n${host}\r\n`,
    `GET  / HTTP/1.1\r\n${host}\r\n`,
    `GET /ä HTTP/1.1\r\n${host}\r\n`,
    `\r\nGET / HTTP/1.1\r\n${host}\r\n`,
    `GET / HTTP/1.1\r\n${host}${host}\r\n`,
    `GET / HTTP/1.1\r\n${host}Content-Length: 0\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}Expect: 100-continue\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}X: a\r\n b\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}X : a\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}X: a\nY: b\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}X: a\rY: b\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}X: a\0\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}: a\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}X\r\n\r\n`,
    `GET / HTTP/1.1\n${host}\n`,
    `GET / HTTP/1.1\r\n${host}\r\nGET / HTTP/1.1\r\n${host}\r\n`,
    `GET / HTTP/1.1\r\n${host}\r\nbehind`,
    `GET / HTTP/1.1\r\n${host}X: ${"x".repeat(MAX_HEAD_BYTES)}\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}${Array.from({ length: MAX_HEADERS }, (_, i) => `X${i}: a\r\n`).join("")}\r\n`,
  ])
    assert.equal(read(text), undefined, JSON.stringify(text.slice(0, 80)));
});

test("reads every head that it accepts as node:http reads it", async () => {
  const name = fc.constantFrom(
    "Host",
    "Accept",
    "Cookie",
    "X-Y",
    "Upgrade",
    "Connection",
    "Content-Length",
    "a b",
    "",
    "ä",
  );
  const value = fc.oneof(
    fc.constantFrom(
      "a",
      "",
      "\t b ",
      "close",
      "websocket",
      "Upgrade, x",
      "keep-alive",
      "0",
      "\x7f",
      "c\rd",
      "é",
      "a:b",
    ),
    fc.string({ unit: "binary-ascii", maxLength: 6 }),
  );
  const header = fc.tuple(name, fc.constantFrom(":", ": ", " :", ""), value).map((parts) => parts.join(""));
  const first = fc.oneof(
    { weight: 4, arbitrary: fc.constant("GET /s/x HTTP/1.1") },
    fc.constantFrom(
      "GET /a?b#c HTTP/1.1",
      "GET /\x80 HTTP/1.1",
      "GET /a HTTP/1.1 ",
      "HEAD / HTTP/1.1",
      "GET /\t HTTP/1.1",
    ),
  );
  const end = fc.oneof({ weight: 6, arbitrary: fc.constant("\r\n") }, fc.constantFrom("\n", "\r\n\r\n", "\r\nx", ""));
  let readCount = 0;
  await fc.assert(
    fc.asyncProperty(first, fc.array(header, { maxLength: 4 }), end, async (line, lines, last) => {
      const text = [line, "Host: h", ...lines, ""].join("\r\n") + last;
      const head = read(text);
      if (!head) return;
      readCount += 1;
      const { method, url, httpVersion, headers } = await asNodeReads(text);
      assert.deepEqual(
        { ...head, headers: { ...head.headers } },
        { method, url, httpVersion, headers: { ...headers } },
      );
    }),
    { numRuns: 2_000 },
  );
  assert.ok(readCount > 100, `${readCount} were read`);
});

/** Rejects when node:http reads no request. */
function asNodeReads(text: string): Promise<IncomingMessage> {
  const [near, far] = duplexPair();
  return new Promise<IncomingMessage>((resolve, reject) => {
    const server = createServer({ maxHeaderSize: MAX_HEAD_BYTES }).on("clientError", reject);
    for (const event of ["request", "upgrade", "connect"]) server.on(event, resolve);
    server.emit("connection", near);
    far.write(text, "latin1");
  }).finally(() => {
    near.destroy();
    far.destroy();
  });
}
