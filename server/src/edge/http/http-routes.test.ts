import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type RequestListener, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { brotliDecompressSync } from "node:zlib";
import { SPACE } from "../../replica/testing/fake-upstream.ts";
import { get, startFixture, talk } from "../testing/edge-fixture.ts";
import type { EdgeHealth } from "./edge-control.ts";

const INDEX = `<!doctype html><html><head><!--head--></head><body><div id="app"></div><!--boot--></body></html>`;

async function startFolder() {
  const path = await mkdtemp(join(tmpdir(), "edge-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

async function startBehind(path: string, answer: RequestListener) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("the page of a space has its title in the head and its room in the body, both escaped", async () => {
  await using folder = await startFolder();
  await writeFile(join(folder.path, "index.html"), INDEX);
  await using fixture = await startFixture({ assetsDirectory: folder.path });
  const title = `</script><!-- "Tom" & 'Jerry' $& $1`;
  await fixture.stage.create(SPACE, title);
  const { status, headers, body } = await get(fixture.edge.port, `/s/${SPACE}`);
  assert.equal(status, 200);
  assert.match(
    body,
    /<title>&#60;\/script&#62;&#60;!-- &#34;Tom&#34; &#38; &#39;Jerry&#39; \$&#38; \$1 · Hustings<\/title>/,
  );
  assert.equal(body.match(/<script/g)?.length, 1);
  const [, json] = /<script type="application\/json" id="room">(.*?)<\/script>/s.exec(body) ?? [];
  const room = JSON.parse(json as string);
  assert.equal(room.title, title);
  assert.equal(room.listen, `/listen/${SPACE}`);
  assert.deepEqual(room.stage, { path: `/stage/${SPACE}`, port: 8444 });
  assert.match(String(headers["content-security-policy"]), /default-src 'self'.*object-src 'none'/);
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.equal(headers["referrer-policy"], "no-referrer");
  assert.match(String(headers["permissions-policy"]), /microphone=\(self\)/);
});

test("the home page carries the list of live spaces", async () => {
  await using folder = await startFolder();
  await writeFile(join(folder.path, "index.html"), INDEX);
  await using fixture = await startFixture({ assetsDirectory: folder.path });
  await fixture.stage.create(SPACE, "On air");
  const { body } = await get(fixture.edge.port, "/");
  const [, json] = /<script type="application\/json" id="spaces">(.*?)<\/script>/s.exec(body) ?? [];
  assert.equal(JSON.parse(json as string).spaces[0].title, "On air");
  assert.deepEqual(JSON.parse((await get(fixture.edge.port, "/api/spaces")).body), JSON.parse(json as string));
  fixture.stage.setAway(true);
  await fixture.clock.advanceAsync(5_000);
  assert.deepEqual(JSON.parse((await get(fixture.edge.port, "/api/spaces")).body), JSON.parse(json as string));
});

test("serves built files compressed, in ranges, and for a year when their name has a hash, and no other files", async () => {
  await using folder = await startFolder();
  await mkdir(join(folder.path, "assets"));
  const script = "console.log(1);".repeat(100);
  await writeFile(join(folder.path, "index.html"), INDEX);
  await writeFile(join(folder.path, "assets", "app-Ab12Cd34.js"), script);
  await writeFile(join(folder.path, "assets", "made-Ab12Cd34.js"), script);
  await writeFile(join(folder.path, "assets", "made-Ab12Cd34.js.br"), "as the build left it");
  await writeFile(join(folder.path, "hold.mp4"), "0123456789");
  await using fixture = await startFixture({ assetsDirectory: folder.path });
  const { port } = fixture.edge;
  const plain = await get(port, "/assets/app-Ab12Cd34.js");
  assert.equal(plain.body, script);
  assert.match(String(plain.headers["cache-control"]), /immutable/);
  const compressed = await new Promise<{ encoding: unknown; bytes: Buffer }>((resolve) =>
    request({ port, path: "/assets/app-Ab12Cd34.js", headers: { "accept-encoding": "gzip, br" } }, (answer) => {
      const bytes: Buffer[] = [];
      answer.on("data", (some) => bytes.push(some));
      answer.on("end", () => resolve({ encoding: answer.headers["content-encoding"], bytes: Buffer.concat(bytes) }));
    }).end(),
  );
  assert.equal(compressed.encoding, "br");
  assert.equal(brotliDecompressSync(compressed.bytes).toString(), script);
  assert.deepEqual(
    (await get(port, "/assets/made-Ab12Cd34.js", { "accept-encoding": "br" })).body,
    "as the build left it",
  );
  assert.equal((await get(port, "/assets/made-Ab12Cd34.js.br")).status, 404);
  const tag = String(plain.headers["etag"]);
  assert.equal((await get(port, "/assets/app-Ab12Cd34.js", { "if-none-match": tag })).status, 304);
  const part = await get(port, "/hold.mp4", { range: "bytes=2-4" });
  assert.deepEqual([part.status, part.body, part.headers["content-range"]], [206, "234", "bytes 2-4/10"]);
  assert.equal((await get(port, "/hold.mp4", { range: "bytes=-3" })).body, "789");
  assert.equal((await get(port, "/hold.mp4", { range: "bytes=20-" })).status, 416);
  assert.equal((await get(port, "/hold.mp4", { range: "bytes=x" })).status, 200);
  assert.equal((await get(port, "/hold.mp4", {}, "POST")).status, 405);
  for (const path of ["/../package.json", "/assets/%2e%2e/%2e%2e/etc/passwd", "/nothing.js"])
    assert.equal((await get(port, path)).status, 404);
});

test("the room keeps its ETag while nothing changes", async () => {
  await using fixture = await startFixture();
  const log = await fixture.stage.create(SPACE);
  const { port } = fixture.edge;
  const first = await get(port, `/api/spaces/${SPACE}/room`);
  assert.match(String(first.headers["cache-control"]), /^public, max-age=1, stale-while-revalidate=/);
  const tag = { "if-none-match": String(first.headers["etag"]) };
  assert.equal((await get(port, `/api/spaces/${SPACE}/room`, tag)).status, 304);
  await log.appendState(1, 0, { kind: "title", title: "Another" });
  await fixture.clock.advanceAsync(10);
  const second = await get(port, `/api/spaces/${SPACE}/room`, tag);
  assert.equal(JSON.parse(second.body).title, "Another");
});

test("proxies requests with the peer's address, not with one that the peer claims", async () => {
  await using folder = await startFolder();
  const apiSocketPath = join(folder.path, "api.sock");
  const stageSocketPath = join(folder.path, "stage.sock");
  let seen: { url: string; headers: IncomingHttpHeaders; body: string } | undefined;
  const echo: RequestListener = async (asked, answer) => {
    let body = "";
    for await (const some of asked) body += some;
    seen = { url: asked.url ?? "", headers: asked.headers, body };
    answer.writeHead(201, { "x-answer": "1" }).end("made");
  };
  await using _api = await startBehind(apiSocketPath, echo);
  await using _stage = await startBehind(stageSocketPath, echo);
  await using fixture = await startFixture({ apiSocketPath, stageSocketPath });
  const { port } = fixture.edge;
  const claimed = { "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https", authorization: "Bearer t" };
  const answer = await get(port, "/api/spaces?x=1", claimed, "POST", '{"title":"A"}');
  assert.deepEqual([answer.status, answer.body, answer.headers["x-answer"]], [201, "made", "1"]);
  assert.equal(seen?.url, "/api/spaces?x=1");
  assert.equal(seen?.body, '{"title":"A"}');
  assert.equal(seen?.headers["x-forwarded-for"], "127.0.0.1");
  assert.equal(seen?.headers["x-forwarded-proto"], "http");
  assert.equal(seen?.headers["authorization"], "Bearer t");
  assert.equal((await get(port, `/stage/${SPACE}`, {}, "DELETE")).status, 201);
  seen = undefined;
  for (const path of ["/stage/../internal/spaces", "/stage/%2e%2e/internal/spaces", "/stage/..%2finternal/spaces"])
    assert.ok((await get(port, path)).status >= 400);
  assert.equal(seen, undefined);
});

test("refuses a body over 64 KiB, and names a retry time while the api or the stage is away", async () => {
  await using fixture = await startFixture();
  const { port } = fixture.edge;
  const large = await get(port, "/api/spaces", {}, "POST", "x".repeat(65 * 1024));
  assert.equal(large.status, 413);
  assert.match(
    await talk(port, `POST /api/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 99999\r\n\r\n`),
    /^HTTP\/1.1 413 /,
  );
  const many = `fff\r\n${"x".repeat(0xfff)}\r\n`.repeat(20);
  assert.match(
    await talk(
      port,
      `POST /api/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${many}`,
    ),
    /^HTTP\/1.1 413 /,
  );
  const api = await get(port, "/api/spaces", {}, "POST", "{}");
  assert.deepEqual([api.status, JSON.parse(api.body).error, api.headers["retry-after"]], [503, "api-away", "1"]);
  const stage = await get(port, `/stage/${SPACE}`, {}, "POST", "v=0");
  assert.equal(JSON.parse(stage.body).error, "stage-away");
});

test("limits the requests in flight to a process behind the edge", async () => {
  await using folder = await startFolder();
  const apiSocketPath = join(folder.path, "api.sock");
  const waiting: (() => void)[] = [];
  const came = Promise.withResolvers<void>();
  await using _api = await startBehind(apiSocketPath, (_, answer) => {
    waiting.push(() => answer.end("ok"));
    if (waiting.length === 2) came.resolve();
  });
  await using fixture = await startFixture({ apiSocketPath, limits: { proxiedRequests: 2 } });
  const { port } = fixture.edge;
  const two = [get(port, "/api/a"), get(port, "/api/b")];
  await came.promise;
  assert.equal((await get(port, "/api/c")).status, 503);
  for (const answer of waiting) answer();
  for (const { status } of await Promise.all(two)) assert.equal(status, 200);
});

test("passes a long response on whole, and cuts one that breaks off", async () => {
  await using folder = await startFolder();
  const apiSocketPath = join(folder.path, "api.sock");
  const bytes = "r".repeat(4_000_000);
  await using _api = await startBehind(apiSocketPath, (asked, answer) => {
    answer.writeHead(206, { "content-length": bytes.length, "content-range": "bytes 0-3999999/9000000" });
    if (asked.url === "/api/whole.mp4") answer.end(bytes);
    else answer.write(bytes.slice(0, 100_000), () => answer.destroy());
  });
  await using fixture = await startFixture({ apiSocketPath });
  const whole = await get(fixture.edge.port, "/api/whole.mp4", { range: "bytes=0-3999999" });
  assert.deepEqual([whole.status, whole.body.length], [206, bytes.length]);
  const broken = await talk(fixture.edge.port, "GET /api/broken HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  assert.ok(broken.length < bytes.length);
});

test("the supervisor reads the edge's health and can start a drain", async () => {
  await using folder = await startFolder();
  const controlSocketPath = join(folder.path, "edge-1.sock");
  await writeFile(controlSocketPath, "left by a dead edge");
  await using fixture = await startFixture({ controlSocketPath, version: "1.2.3" });
  const control = (path: string, method: string) =>
    new Promise<{ status: number; body: string }>((resolve) =>
      request({ socketPath: controlSocketPath, path, method }, (answer) => {
        let body = "";
        answer.on("data", (some) => {
          body += some;
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
      }).end(),
    );
  const health = JSON.parse((await control("/health", "GET")).body) as EdgeHealth;
  assert.deepEqual([health.role, health.version, health.listeners, health.draining], ["edge", "1.2.3", 0, false]);
  assert.equal((await control("/elsewhere", "GET")).status, 404);
  assert.equal((await control("/drain", "POST")).status, 202);
  await fixture.edge.finished;
});
