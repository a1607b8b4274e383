// Opens and closes the listening socket of this process without losing connections.

import type { Server } from "node:http";
import { type AddressInfo, Server as NetServer } from "node:net";
import { availableParallelism } from "node:os";
import type { Clock } from "@hustings/flow/clock.ts";
import type { DoorLink } from "../../ops/accept/accept-ipc.ts";
import { acceptingEdgesFor } from "../../ops/accept/accept-policy.ts";
import type { Logger } from "../../ops/logger.ts";
import { createAcceptBacklog, MOST_BACKLOG } from "./accept-backlog.ts";
import { watchAcceptQueue } from "./accept-queue.ts";

/** An address, an open handle, or handles from the supervisor. */
export type ListenTarget =
  | { readonly host: string; readonly port: number; readonly reusePort?: boolean }
  | { readonly handle: NetServer | { readonly fd: number } }
  | { readonly link: DoorLink; readonly host: string; readonly port: number };

interface OpenHandle {
  listen?(backlog: number): number;
}

export interface AcceptSocket {
  /** Rejects if the socket cannot listen. */
  readonly opened: Promise<void>;
  /** Without a supervisor the socket stays open. */
  setOpen(isOpen: boolean): void;
  /** Resolves when every connection has ended, or at once if the socket was closed. */
  close(): Promise<void>;
  readonly isOpen: boolean;
}

export interface AcceptSocketOptions {
  readonly clock: Clock;
  readonly listen: ListenTarget;
  /** Edges of this server, default 1. */
  readonly edges?: number | undefined;
  readonly log: Logger;
}

export function createAcceptSocket(server: Server, options: AcceptSocketOptions): AcceptSocket {
  const { listen, log } = options;
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
      else if ("handle" in where) server.listen(where.handle, MOST_BACKLOG, opened);
      else server.listen({ ...where, backlog: MOST_BACKLOG }, opened);
    });
  }

  function applyWanted(): void {
    if (isOver || isWanted === server.listening) return;
    if (isWanted) open().catch((cause) => log.warn({ cause }, "listening again failed"));
    else stopAccepting(server);
  }

  fitBacklog(server, options);
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

// Listening again on an open socket changes nothing but the length of its queue. node:net has no call for it.
function fitBacklog(server: Server & { _handle?: OpenHandle | null }, { clock, edges = 1 }: AcceptSocketOptions) {
  const acceptingEdges = Math.min(edges, acceptingEdgesFor(availableParallelism()));
  const queued = watchAcceptQueue(() => (server.address() as AddressInfo | null)?.port);
  const apply = (length: number): void => void server._handle?.listen?.(length);
  const backlog = createAcceptBacklog({ clock, queued, acceptingEdges, apply });
  server.on("connection", () => backlog.accepted());
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
