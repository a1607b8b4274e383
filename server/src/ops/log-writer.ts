// Writes the log to a file descriptor that may be slow, full or gone: nothing waits for it, and lines that cannot be
// written are dropped. pino's own writer tries again for ever when a disk is full, so a process could not end.

import { write, writeSync } from "node:fs";
import { type Clock, systemClock } from "@hustings/flow/clock.ts";

export interface LogWriter {
  /** `line` ends with a newline. */
  write(line: string): void;
  /** For the end of the process: tries once to write what is left, unless a write has not returned for `STALLED_MS`. */
  flush(): void;
  readonly unwrittenBytes: number;
}

/** The two ways of writing to a descriptor, each of as many bytes as it takes. */
export interface Descriptor {
  write(bytes: Uint8Array, done: (error: NodeJS.ErrnoException | null, writtenBytes: number) => void): void;
  writeSync(bytes: Uint8Array): void;
}

export const MAX_UNWRITTEN_BYTES = 1024 * 1024;
/** A descriptor that is not blocking says that it is full; it is tried again after this. */
const AGAIN_MS = 100;
/** The reader of a pipe has stopped reading; another write would wait for it. */
const STALLED_MS = 1_000;

export function createLogWriter(descriptor: Descriptor, clock: Clock = systemClock): LogWriter {
  let lines: Uint8Array[] = [];
  let unwrittenBytes = 0;
  let writingSinceMs: number | undefined;

  function writeNext(): void {
    if (writingSinceMs !== undefined || lines.length === 0) return;
    const bytes = Buffer.concat(lines);
    lines = [];
    put(bytes);
  }

  function put(bytes: Uint8Array): void {
    writingSinceMs ??= clock.monotonicMs();
    descriptor.write(bytes, (error, writtenBytes) => {
      if (error?.code === "EAGAIN") return void clock.after(AGAIN_MS, () => put(bytes));
      const rest = error === null ? bytes.subarray(writtenBytes) : bytes.subarray(bytes.length);
      unwrittenBytes -= bytes.length - rest.length;
      writingSinceMs = undefined;
      if (rest.length > 0) return put(rest);
      writeNext();
    });
  }

  return {
    write(line) {
      const bytes = Buffer.from(line);
      if (unwrittenBytes + bytes.length > MAX_UNWRITTEN_BYTES) return;
      lines.push(bytes);
      unwrittenBytes += bytes.length;
      writeNext();
    },
    flush() {
      const isStalled = writingSinceMs !== undefined && clock.monotonicMs() - writingSinceMs >= STALLED_MS;
      if (isStalled || lines.length === 0) return;
      try {
        descriptor.writeSync(Buffer.concat(lines));
      } catch {
        // Nobody can be told.
      }
      lines = [];
      unwrittenBytes = 0;
    },
    get unwrittenBytes() {
      return unwrittenBytes;
    },
  };
}

export function descriptorOf(fd: number): Descriptor {
  return {
    write: (bytes, done) => write(fd, bytes, (error, writtenBytes) => done(error, writtenBytes)),
    writeSync: (bytes) => void writeSync(fd, bytes),
  };
}
