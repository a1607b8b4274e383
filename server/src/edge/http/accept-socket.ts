// Owns whether this process accepts connections: the door is opened, shut and opened again without one being lost, as
// whoever knocks meanwhile waits for another process or the next opening. Refuses to know why.

import type { Server } from "node:http";
import { Server as NetServer } from "node:net";
import type { DoorLink } from "../../ops/accept/accept-ipc.ts";
import type { Logger } from "../../ops/logger.ts";

/** A door to open, one that is held open already and was handed over, or one whose handles come from a parent. */
export type ListenTarget =
  | { readonly host: string; readonly port: number; readonly reusePort?: boolean }
  | { readonly handle: NetServer | { readonly fd: number } }
  | { readonly link: DoorLink; readonly host: string; readonly port: number };

export interface AcceptSocket {
  /** Resolves when the door is open for the first time; rejects when it cannot be. */
  readonly opened: Promise<void>;
  /** Opens or shuts the door; where nothing changes nothing happens. Shutting is for those with a parent to reopen it. */
  setOpen(isOpen: boolean): void;
  /** For good. Resolves when every connection has ended, too, or at once where the door was shut. */
  close(): Promise<void>;
  readonly isOpen: boolean;
}

/**
 * Connections that wait to be accepted, as of the listeners of a whole edge that died; the system's own limit
 * (net.core.somaxconn) counts where it is lower. Whoever does not fit is heard again a second later, out of turn.
 */
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
    if (isWanted) open().catch((cause) => log.warn({ cause }, "the door cannot be opened again"));
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

// As any server of node:net stops. The one of node:http closes idle connections with it, and takes for idle also those that
// it has accepted and that have not asked for anything yet: their people would find the door reset. It also stops looking
// for slow ones.
function stopAccepting(server: Server, closed?: () => void): void {
  NetServer.prototype.close.call(server, closed);
}

// Without a handle of its parent's an orphan listens beside it: the socket is bound so that it may.
function serverTarget(listen: ListenTarget) {
  if ("handle" in listen) return listen;
  if (!("link" in listen)) return { host: listen.host, port: listen.port, reusePort: listen.reusePort ?? false };
  const handle = listen.link.take();
  if (handle !== undefined) return { handle: handle as unknown as NetServer };
  return listen.link.isOrphan ? { host: listen.host, port: listen.port, reusePort: true } : undefined;
}
