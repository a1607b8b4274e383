import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { test } from "node:test";
import { systemClock } from "@hustings/flow/clock.ts";
import type { DoorLink } from "../../ops/accept/accept-ipc.ts";
import { SILENT } from "../../ops/logger.ts";
import { createAcceptSocket } from "./accept-socket.ts";

/** The link of an edge whose supervisor is gone: it opens the port on its own. */
const ORPHAN: DoorLink = {
  take: () => undefined,
  instruction: undefined,
  isOrphan: true,
  report: () => undefined,
  onChange: () => undefined,
};

for (const how of ["set", "shut"] as const) {
  test(`answers an accepted connection that sends its request after the socket was closed (${how})`, async () => {
    const server = createServer((_request, response) => void response.end("come in"));
    const acceptSocket = createAcceptSocket(server, {
      clock: systemClock,
      listen: { link: ORPHAN, host: "127.0.0.1", port: 0 },
      log: SILENT,
    });
    await acceptSocket.opened;
    const accepted = once(server, "connection");
    const client = connect({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
    await accepted;
    const closed = how === "set" ? acceptSocket.setOpen(false) : acceptSocket.close();
    assert.equal(acceptSocket.isOpen, false);
    client.write("GET / HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n");
    assert.match(await textOf(client), /^HTTP\/1\.1 200 [\s\S]*come in/);
    await closed;
  });
}

async function textOf(socket: Socket): Promise<string> {
  let text = "";
  for await (const bytes of socket) text += String(bytes);
  return text;
}
