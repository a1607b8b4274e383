import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { unixRequest } from "./unix-request.ts";

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hustings-unix-"));
  const socketPath = join(folder, "server.sock");
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  });
  return socketPath;
}

test("sends a body as JSON and resolves with the answer, whatever its status", async (t) => {
  const socketPath = await serve(t, async (request, response) => {
    let text = "";
    for await (const part of request) text += String(part);
    response.writeHead(418).end(`${request.method} ${request.url} ${request.headers["content-type"]} ${text}`);
  });
  const answer = await unixRequest({ socketPath, method: "PUT", path: "/a?b=c", body: { über: 1 } });
  assert.deepEqual(answer, { status: 418, text: 'PUT /a?b=c application/json {"über":1}' });
  assert.equal((await unixRequest({ socketPath, path: "/" })).text, "GET / undefined ");
});

test("rejects an answer that is longer than allowed, and one that never comes", async (t) => {
  const socketPath = await serve(t, (request, response) => {
    if (request.url === "/long") response.end("x".repeat(1_001));
  });
  await assert.rejects(unixRequest({ socketPath, path: "/long", maxAnswerBytes: 1_000 }), /more than 1000 bytes/);
  await assert.rejects(unixRequest({ socketPath, path: "/never", deadlineMs: 50 }), { name: "AbortError" });
});

test("rejects an answer that breaks off, with the error of the socket where nobody listens", async (t) => {
  const socketPath = await serve(t, (_request, response) => {
    response.writeHead(200, { "content-length": "10" });
    response.write("half");
    response.destroy();
  });
  await assert.rejects(unixRequest({ socketPath, path: "/" }), { code: "ECONNRESET" });
  await assert.rejects(unixRequest({ socketPath: `${socketPath}.gone`, path: "/" }), { code: "ENOENT" });
});
