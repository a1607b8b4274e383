// Reads from the kernel how many connections wait to be accepted on a port. Only Linux tells.

import { openSync, readSync } from "node:fs";

const FILES = ["/proc/net/tcp", "/proc/net/tcp6"] as const;
/** Listening sockets come first. Reading on would make the kernel search all its connections, which takes milliseconds. */
const FIRST_BYTES = 300;
const STEP_BYTES = 150;
const MOST_BYTES = 15_000;
/** `sl local_address rem_address st tx_queue:rx_queue`, in hexadecimal; a listening socket's rx_queue is its accept queue. */
const LISTENING = /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A [0-9A-F]{8}:([0-9A-F]{8})/gm;

interface SocketTable {
  readonly fd: number;
  /** Bytes up to the end of the port's line, when it was found last. */
  foundBytes: number;
}

/** Gives the length of the accept queue of the socket that listens on `port()`; 0 where the kernel does not tell. */
export function watchAcceptQueue(port: () => number | undefined): () => number {
  let tables: readonly SocketTable[] | undefined;
  const bytes = Buffer.alloc(MOST_BYTES);

  function queueIn(table: SocketTable, wanted: string): number | undefined {
    for (let most = table.foundBytes; most <= MOST_BYTES; most += STEP_BYTES) {
      const length = readSync(table.fd, bytes, 0, most, 0);
      const text = bytes.toString("latin1", 0, length);
      for (const [, at, queued = ""] of text.matchAll(LISTENING)) {
        if (at !== wanted) continue;
        table.foundBytes = most;
        return Number.parseInt(queued, 16);
      }
      if (length < most) return undefined;
    }
    return undefined;
  }

  return () => {
    const wanted = port()?.toString(16).toUpperCase().padStart(4, "0");
    if (wanted === undefined) return 0;
    tables ??= FILES.flatMap(openTable);
    for (const table of tables) {
      const queued = queueIn(table, wanted);
      if (queued === undefined) continue;
      tables = [table];
      return queued;
    }
    tables = [];
    return 0;
  };
}

// The descriptors stay open for the life of the process.
function openTable(path: string): readonly SocketTable[] {
  try {
    return [{ fd: openSync(path, "r"), foundBytes: FIRST_BYTES }];
  } catch {
    return [];
  }
}
