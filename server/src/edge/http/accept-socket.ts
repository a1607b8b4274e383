// Opens and closes the listening socket of this process without losing connections.

import type { Server } from "node:http";
import { Server as NetServer } from "node:net";
import type { DoorLink } from "../../ops/accept/accept-ipc.ts";
import type { Logger } from "../../ops/logger.ts";

/** An address, an open handle, or handles from the supervisor. */
export type ListenTarget =
  | { readonly host: string; readonly port: number; readonly reusePort?: boolean }
  | { readonly handle: NetServer | { readonly fd: number } }
  | { readonly link: DoorLink; readonly host: string; readonly port: number };

export interface AcceptSocket {
  /** Rejects if the socket cannot listen. */
  readonly opened: Promise<void>;
  /** Without a supervisor the socket stays open. */
  setOpen(isOpen: boolean): void;
  /** Resolves when every connection has ended, or at once if the socket was closed. */
  close(): Promise<void>;
  readonly isOpen: boolean;
}

/** Enough for a dead edge's listeners. net.core.somaxconn may lower it. */
const BACKLOG = 16_384;

export function createAcceptSocket(server: Server, listen: ListenTarget, log: Logger): AcceptSocket {
  let isWanted = true;
  let isOver = false;
  const link = "link" in listen ? listen.link : undefined;

  function open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const opened = (): void => {
        server.off("error", reject);
        resolve();
      };
      server.once("error", reject);
      const where = serverTarget(listen);
      if (where === undefined) server.off("error", reject);
      else if ("handle" in where) server.listen(where.handle, BACKLOG, opened);
      else server.listen({ ...where, backlog: BACKLOG }, opened);
    });
  }

  function applyWanted(): void {
    if (isOver || isWanted === server.listening) return;
    if (isWanted) open().catch((cause) => log.warn({ cause }, "listening again failed"));
    else stopAccepting(server);
  }

  const opened = open();
  return {
    opened,
    setOpen(isOpen) {
      isWanted = isOpen || link === undefined;
      applyWanted();
    },
    async close() {
      isOver = true;
      if (server.listening) await new Promise<void>((resolve) => stopAccepting(server, resolve));
    },
    get isOpen() {
      return server.listening;
    },
  };
}

// Closes like node:net; node:http would close accepted connections without a request, and stop checking for slow ones.
function stopAccepting(server: Server, closed?: () => void): void {
  NetServer.prototype.close.call(server, closed);
}

// Without supervisor and handle, edges share a port by `reusePort`.
function serverTarget(listen: ListenTarget) {
  if ("handle" in listen) return listen;
  if (!("link" in listen)) return { host: listen.host, port: listen.port, reusePort: listen.reusePort ?? false };
  const handle = listen.link.take();
  if (handle !== undefined) return { handle: handle as unknown as NetServer };
  return listen.link.isOrphan ? { host: listen.host, port: listen.port, reusePort: true } : undefined;
}
