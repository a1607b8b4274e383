// Requests as proxies, load balancers and other clients than browsers send them to the public door.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { ROUTES } from "@hustings/wire/routes.ts";
import { SPACE } from "../../replica/testing/fake-upstream.ts";
import { get, startFixture, talk } from "../testing/edge-fixture.ts";

const HEAD = "HTTP/1.1\r\nHost: a\r\nConnection: close";
const PAGE = ROUTES.page(SPACE);

test("ignores an upgrade to anything but a WebSocket, and answers by HTTP/1.1", async () => {
  await using fixture = await startFixture();
  await fixture.stage.create(SPACE);
  const { port } = fixture.edge;
  const offers = [
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    "Connection: Upgrade\r\nUpgrade: TLS/1.0",
    "Connection: upgrade\r\nUpgrade: h2c, IRC/6.9",
    "Connection: keep-alive\r\nUpgrade: websocket",
  ];
  const body = "Content-Length: 2\r\nContent-Type: application/json\r\n\r\n{}";
  for (const offer of offers)
    for (const [line, status, rest] of [
      ["GET /", 200],
      [`GET ${PAGE}?x=1`, 200],
      [`HEAD ${PAGE}`, 200],
      [`GET ${ROUTES.room(SPACE)}`, 200],
      [`GET ${ROUTES.hls(SPACE)}`, 200],
      [`GET ${ROUTES.listen(SPACE)}`, 400],
      [`POST ${ROUTES.spaces}`, 503, body],
    ] as const) {
      const first = `${line} HTTP/1.1\r\nHost: a\r\n${offer}\r\n${rest ?? "\r\n"}`;
      const [answer, next] = await inTurn(port, [first, `GET / ${HEAD}\r\n\r\n`]);
      assert.match(answer as string, new RegExp(`^HTTP/1\\.1 ${status} `), `${line} with ${offer}`);
      assert.match(next as string, /^HTTP\/1\.1 200 /, "the next request on the connection is answered");
    }
});

/** The answers to requests on one connection, each sent after the answer before has begun. */
async function inTurn(port: number, requests: readonly string[]): Promise<string[]> {
  const socket = connect(port, "127.0.0.1").setEncoding("latin1");
  const answers: string[] = [];
  for (const request of requests) {
    socket.write(request);
    answers.push(String((await once(socket, "data"))[0]));
  }
  socket.destroy();
  return answers;
}

test("answers targets with scheme and host as it answers paths", async () => {
  await using fixture = await startFixture();
  await fixture.stage.create(SPACE);
  const { port } = fixture.edge;
  const at = (target: string, method = "GET") =>
    talk(port, `${method} http://talk.example:8080${target} ${HEAD}\r\n\r\n`);
  assert.match(await at(""), /^HTTP\/1\.1 200 /);
  assert.match(await at(PAGE), /^HTTP\/1\.1 200 /);
  assert.match(await at(`${ROUTES.room(SPACE)}?x=1`), /^HTTP\/1\.1 200 /);
  const upgrade =
    "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==";
  assert.match(
    await talk(port, `GET http://a${ROUTES.listen(SPACE)} HTTP/1.1\r\n${upgrade}\r\n\r\n`),
    /^HTTP\/1\.1 400 [\s\S]*subprotocol/,
  );
});

test("refuses two Host headers and a Host that names no host, for pages and for WebSockets", async () => {
  await using fixture = await startFixture();
  const { port } = fixture.edge;
  const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  for (const more of ["", upgrade])
    for (const hosts of ["Host: a\r\nHost: b", "Host: a\r\nHost: a", "Host: a/b", "Host: a@b", "Host: a b"])
      assert.match(
        await talk(port, `GET / HTTP/1.1\r\n${hosts}\r\n${more}Connection: close\r\n\r\n`),
        /^HTTP\/1\.1 400 [\s\S]*Host header/,
        hosts + more,
      );
  assert.match(
    await talk(port, `GET / HTTP/1.1\r\nHost: my_server:80\r\nConnection: close\r\n\r\n`),
    /^HTTP\/1\.1 200 /,
  );
});

test("serves the page of a space with a slash at the end", async () => {
  await using fixture = await startFixture();
  await fixture.stage.create(SPACE);
  const { port } = fixture.edge;
  const [plain, slashed] = [await get(port, PAGE), await get(port, `${PAGE}/`)];
  assert.deepEqual([slashed.status, slashed.body], [200, plain.body]);
  assert.equal((await get(port, `${PAGE}//`)).status, 404);
});

test("serves a request with 9 KB of cookies", async () => {
  await using fixture = await startFixture();
  const cookies = Array.from({ length: 9 }, (_, i) => `c${i}=${"x".repeat(1_000)}`).join("; ");
  assert.equal((await get(fixture.edge.port, "/", { cookie: cookies })).status, 200);
});

test("answers OPTIONS everywhere, and names the methods in a refusal of another", async () => {
  await using fixture = await startFixture();
  const { port } = fixture.edge;
  for (const path of ["/", PAGE, "/nothing", ROUTES.listen(SPACE)]) {
    const { status, headers } = await get(port, path, {}, "OPTIONS");
    assert.deepEqual([status, headers["allow"]], [204, "GET, HEAD, OPTIONS"], path);
  }
  assert.match(await talk(port, `OPTIONS * ${HEAD}\r\n\r\n`), /^HTTP\/1\.1 204 /);
  const refused = await get(port, "/", {}, "DELETE");
  assert.deepEqual([refused.status, refused.headers["allow"]], [405, "GET, HEAD, OPTIONS"]);
});

test("a page of another origin may read every answer below /hls/ and the room, refusals and preflights included", async () => {
  await using fixture = await startFixture();
  await fixture.stage.create(SPACE);
  const { port } = fixture.edge;
  const asked = { origin: "https://other.example", "access-control-request-headers": "range, x-session" };
  const cases = [
    ["OPTIONS", `/hls/${SPACE}/32/index.m3u8`, 204],
    ["OPTIONS", "/hls/", 204],
    ["OPTIONS", ROUTES.room(SPACE), 204],
    ["GET", ROUTES.room("0000000000" as typeof SPACE), 404],
    ["GET", "/hls/0000000000/32/index.m3u8", 404],
    ["GET", "/hls/", 404],
    ["GET", "/hls/nothing", 404],
    ["GET", `/hls/${SPACE}/`, 404],
    ["HEAD", `/hls/${SPACE}/x`, 404],
    ["POST", `/hls/${SPACE}/32/index.m3u8`, 405],
    ["DELETE", "/hls/nothing", 405],
  ] as const;
  for (const [method, path, expected] of cases) {
    const { status, headers } = await get(port, path, asked, method);
    assert.equal(status, expected, `${method} ${path}`);
    assert.equal(headers["access-control-allow-origin"], "*", `${method} ${path}`);
    if (method === "OPTIONS")
      assert.deepEqual(
        [headers["access-control-allow-methods"], headers["access-control-allow-headers"]],
        ["GET, HEAD, OPTIONS", "*"],
      );
  }
});
