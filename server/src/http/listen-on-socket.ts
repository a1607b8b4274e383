// Listens on a Unix socket whose file may be left over from a process that died.

import { rm } from "node:fs/promises";
import { Server } from "node:net";

type SocketServer = Server | { listen(where: { readonly path: string }): Promise<unknown> };

/** Removes the file at `path` first, even if a process still listens there: the caller owns the path. */
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
