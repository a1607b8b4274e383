import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import Fastify from "fastify";
import { listenOnSocket } from "./listen-on-socket.ts";

const folder = await mkdtemp(join(tmpdir(), "hustings-socket-"));
after(() => rm(folder, { recursive: true }));

async function isListening(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  const answered = await promise;
  socket.destroy();
  return answered;
}

test("servers of node:net, node:http and Fastify replace a left-over file and listen", async () => {
  const path = join(folder, "left-over.sock");
  for (const server of [createServer(), createHttpServer(), Fastify()]) {
    await writeFile(path, "");
    await listenOnSocket(server, path);
    assert.ok(await isListening(path));
    await server.close();
  }
});

test("rejects where the folder of the socket does not exist", async () => {
  const path = join(folder, "missing", "a.sock");
  await assert.rejects(listenOnSocket(createServer(), path), { syscall: "listen" });
  await assert.rejects(listenOnSocket(Fastify(), path), { syscall: "listen" });
});
