// Starts servers whose output nobody reads, or whose log is on a full disk.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { type RunningServer, startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";

test("a server starts and restarts its processes when its output is closed at once", async () => {
  await using server = await startServer({ output: "closed" });
  await outlivesAnEdge(server);
});

test("a server starts and restarts its processes when its log is on a full disk", async (t) => {
  if (!existsSync("/dev/full")) return t.diagnostic("this system has no /dev/full");
  await using server = await startServer({ output: "/dev/full" });
  await outlivesAnEdge(server);
});

test("a server whose output is closed while it runs goes on", async () => {
  await using server = await startServer();
  for (const stream of [server.parent.stdout, server.parent.stderr]) stream?.destroy();
  await outlivesAnEdge(server);
});

/** The parent logs that the edge has ended, and must live to start it again. */
async function outlivesAnEdge(server: RunningServer): Promise<void> {
  const before = await server.pidOf("edge-0");
  await server.kill(before);
  await until("another edge", async () => (await server.pidOf("edge-0")) !== before);
  assert.equal(server.parent.exitCode, null);
  assert.equal((await fetch(server.doorUrl)).status, 200);
  assert.equal((await server.create("Heard")).url.startsWith(server.doorUrl), true);
}
