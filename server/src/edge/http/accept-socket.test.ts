import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { test } from "node:test";
import type { DoorLink } from "../../ops/accept/accept-ipc.ts";
import { SILENT } from "../../ops/logger.ts";
import { createAcceptSocket } from "./accept-socket.ts";

/** Of an edge whose parent is gone: it opens the door itself. */
const ORPHAN: DoorLink = {
  take: () => undefined,
  instruction: undefined,
  isOrphan: true,
  report: () => undefined,
  onChange: () => undefined,
};

for (const how of ["set", "shut"] as const) {
  test(`who was accepted and has not asked yet is answered after the door was shut (${how})`, async () => {
    const server = createServer((_request, response) => void response.end("come in"));
    const doorway = createAcceptSocket(server, { link: ORPHAN, host: "127.0.0.1", port: 0 }, SILENT);
    await doorway.opened;
    const accepted = once(server, "connection");
    const visitor = connect({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
    await accepted;
    const closed = how === "set" ? doorway.setOpen(false) : doorway.close();
    assert.equal(doorway.isOpen, false);
    visitor.write("GET / HTTP/1.1\r\nHost: door\r\nConnection: close\r\n\r\n");
    assert.match(await textOf(visitor), /^HTTP\/1\.1 200 [\s\S]*come in/);
    await closed;
  });
}

async function textOf(socket: Socket): Promise<string> {
  let text = "";
  for await (const bytes of socket) text += String(bytes);
  return text;
}
