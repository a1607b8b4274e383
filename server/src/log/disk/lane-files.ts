// A lane's view of the file system, so that tests can simulate a full or failing disk.

import { constants } from "node:fs";
import { type FileHandle, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";

export interface LaneFile {
  /** Resolves with the bytes written, perhaps fewer; rejects if 0. */
  write(bytes: Uint8Array, at: number): Promise<number>;
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  /** Fewer than `length` only at the end of the file. */
  read(at: number, length: number): Promise<Uint8Array>;
  size(): Promise<number>;
  /** Differs between two files that exist at the same time. */
  instance(): Promise<string>;
  close(): Promise<void>;
}

export type OpenLane = (path: string) => Promise<LaneFile>;

export const openLaneFile: OpenLane = async (path) =>
  laneFileOf(await open(path, constants.O_RDWR | constants.O_CREAT, 0o600));

/**
 * Puts `from` in the place of `to`, whole or not at all. Rejects if the old file stays. Until `synced` resolves, a
 * power failure may bring the old file back; it may be tried again.
 */
export type ReplaceFile = (from: string, to: string) => Promise<{ synced(): Promise<void> }>;

export const renameFile: ReplaceFile = async (from, to) => {
  await rename(from, to);
  return { synced: () => syncFolder(dirname(to)) };
};

/** `undefined`: no such file. Writes reject. */
export async function openForReading(path: string): Promise<LaneFile | undefined> {
  try {
    return laneFileOf(await open(path, constants.O_RDONLY));
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw cause;
  }
}

/** So that names in it survive a power failure. */
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

export function codeOf(error: unknown): string | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** Resolves with how many were written, and the cause if not all. */
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
    async instance() {
      const { dev, ino } = await handle.stat();
      return `${dev}:${ino}`;
    },
    close: () => handle.close(),
  };
}
