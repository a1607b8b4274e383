// Listens on a Unix socket whose file may be left over from a process that died.

import { rm } from "node:fs/promises";
import { Server } from "node:net";

/** A server of node:net or node:http, or a Fastify instance. */
type SocketServer = Server | { listen(where: { readonly path: string }): Promise<unknown> };

/**
 * Removes the file at `path`, then listens there. It does not check that the process behind an old file is dead: the
 * caller owns the path. Rejects when the server cannot listen.
 */
export async function listenOnSocket(server: SocketServer, path: string): Promise<void> {
  await rm(path, { force: true });
  if (!(server instanceof Server)) {
    await server.listen({ path });
    return;
  }
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(path, () => {
    server.off("error", reject);
    resolve();
  });
  await promise;
}
