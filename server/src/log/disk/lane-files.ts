// What a lane needs of a file system, as an interface, so that tests can simulate a full or failing disk.

import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";

export interface LaneFile {
  /** Writes from `at` on. Resolves with the number of bytes written, which may be fewer; rejects if it is 0. */
  write(bytes: Uint8Array, at: number): Promise<number>;
  /** Resolves once everything that was written is on the medium. */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  /** At most `length` bytes from `at` on; fewer only at the end of the file. */
  read(at: number, length: number): Promise<Uint8Array>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** Opens a file for reading and writing, and creates it if it is missing. */
export type OpenLane = (path: string) => Promise<LaneFile>;

export const openLaneFile: OpenLane = async (path) =>
  laneFileOf(await open(path, constants.O_RDWR | constants.O_CREAT, 0o600));

/** Opens a file for reading; `undefined` if it is missing. Writes to it reject. */
export async function openForReading(path: string): Promise<LaneFile | undefined> {
  try {
    return laneFileOf(await open(path, constants.O_RDONLY));
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw cause;
  }
}

/** Syncs a folder, so that the names in it survive a power failure. */
export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, constants.O_RDONLY);
  await folder.sync();
}

export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** The system's code of an error, such as "ENOSPC"; undefined if it has none. */
export function codeOf(error: unknown): string | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** Writes `bytes`. Resolves with how many were written, and with the cause if that is not all. */
export async function writeAll(
  file: LaneFile,
  bytes: Uint8Array,
  at: number,
): Promise<{ readonly writtenBytes: number; readonly cause?: Error }> {
  let writtenBytes = 0;
  try {
    while (writtenBytes < bytes.length) {
      const count = await file.write(writtenBytes === 0 ? bytes : bytes.subarray(writtenBytes), at + writtenBytes);
      if (count === 0) return { writtenBytes, cause: new Error("The disk wrote nothing.") };
      writtenBytes += count;
    }
    return { writtenBytes };
  } catch (cause) {
    return { writtenBytes, cause: cause instanceof Error ? cause : new Error(String(cause)) };
  }
}

function laneFileOf(handle: FileHandle): LaneFile {
  return {
    write: async (bytes, at) => (await handle.write(bytes, 0, bytes.length, at)).bytesWritten,
    sync: () => handle.datasync(),
    truncate: (sizeBytes) => handle.truncate(sizeBytes),
    async read(at, length) {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, at + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    },
    size: async () => (await handle.stat()).size,
    close: () => handle.close(),
  };
}
