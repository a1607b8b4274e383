import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { watchAcceptQueue } from "./accept-queue.ts";

const CONNECT = "require('node:net').connect(+process.argv[2], process.argv[1]).on('connect', () => process.exit())";

for (const host of ["127.0.0.1", "::1"])
  test(`counts the connections to ${host} that are not accepted yet`, async () => {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen({ host, port: 0, backlog: 64 }, resolve));
    const { port } = server.address() as AddressInfo;
    const queued = watchAcceptQueue(() => port);
    assert.equal(queued(), 0);
    // This process accepts nothing while it waits for the other.
    for (let count = 1; count <= 2; count++) {
      execFileSync(process.execPath, ["-e", CONNECT, host, String(port)]);
      assert.equal(queued(), count);
    }
    const sockets = [await once(server, "connection"), await once(server, "connection")].flat();
    assert.equal(queued(), 0, "an accepted connection does not count");
    for (const socket of sockets) socket.destroy();
    server.close();
  });

test("a port that nobody listens on has an empty queue", () => {
  assert.equal(watchAcceptQueue(() => 1)(), 0);
  assert.equal(watchAcceptQueue(() => undefined)(), 0);
});
