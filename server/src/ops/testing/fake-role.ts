// A role process for tests: it answers for its health and, as an edge, names itself at the door. A data directory whose name
// ends in "broken" has an api that cannot start.

import { createServer, type RequestListener } from "node:http";
import type { Server } from "node:net";
import { runRole } from "../process/role-process.ts";
import { runDirectory, titleOf } from "../process/run-directory.ts";

await runRole(
  async ({ name, config, version }, door) => {
    if (name.role === "api" && config.dataDirectory.endsWith("broken")) throw new Error("there is no paper left");
    const health = JSON.stringify({ role: name.role, pid: process.pid, version });
    const servers = [
      await open((_, response) => response.end(health), runDirectory(config.dataDirectory).controlSocket(name)),
    ];
    const who = `${titleOf(name)} ${process.pid}`;
    const handle = door?.take();
    if (handle) servers.push(await open((_, response) => response.setHeader("connection", "close").end(who), handle));
    return {
      async [Symbol.asyncDispose]() {
        for (const server of servers) {
          server.closeAllConnections();
          await new Promise((resolve) => server.close(resolve));
        }
      },
    };
  },
  () => {
    if (process.connected) process.disconnect?.();
  },
);

async function open(answer: RequestListener, where: unknown) {
  const server = createServer(answer);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(where as Server, resolve);
  });
  return server;
}
