// Writes a log's sound after followers got it. While the disk refuses, the newest minute waits, and older slots are
// lost.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import { RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import type { SoundLane } from "./sound-lane.ts";

export const WRITE_MS = 400;
/** Time between syncs: a power failure can cost this much sound. */
export const SYNC_MS = 5_000;
export const RETRY_MS = 5_000;

/** False with the cause when storing stops, true when it works again. */
export type StorageListener = (storing: boolean, cause?: Error) => void;

export interface SoundWriter {
  push(rendition: Rendition, slot: number, bytes: Uint8Array): void;
  onStorage(listener: StorageListener): Disposable;
  /** Everything that waited is written, unless the disk refuses. */
  flush(): Promise<void>;
  /** Syncs; nothing is written afterwards. */
  close(): Promise<void>;
}

export interface SoundWriterOptions {
  readonly clock: Clock;
  readonly lanes: Readonly<Record<Rendition, SoundLane>>;
  readonly writeMark: () => Promise<void>;
}

export function startSoundWriter({ clock, lanes, writeMark }: SoundWriterOptions): SoundWriter {
  const listeners = new Set<StorageListener>();
  let isStoring = true;
  let timer: Timer | undefined;
  let writing: Promise<void> | undefined;
  let syncedMs = clock.monotonicMs();
  let isClosed = false;

  function report(storing: boolean, cause?: Error): void {
    if (storing === isStoring) return;
    isStoring = storing;
    for (const listener of listeners) listener(storing, cause);
  }

  function schedule(): void {
    if (timer || writing || isClosed) return;
    timer = clock.after(isStoring ? WRITE_MS : RETRY_MS, () => {
      timer = undefined;
      void flush();
    });
  }

  function flush(): Promise<void> {
    writing ??= write().finally(() => {
      writing = undefined;
      if (RENDITIONS.some((rendition) => lanes[rendition].waitingCount > 0)) schedule();
    });
    return writing;
  }

  async function write(): Promise<void> {
    await writeMark().catch(() => undefined);
    let failure: Error | undefined;
    for (const rendition of RENDITIONS) failure = (await lanes[rendition].flush()) ?? failure;
    if (!failure && clock.monotonicMs() - syncedMs >= SYNC_MS) failure = await sync();
    report(failure === undefined, failure);
  }

  async function sync(): Promise<Error | undefined> {
    syncedMs = clock.monotonicMs();
    try {
      for (const rendition of RENDITIONS) await lanes[rendition].sync();
      return undefined;
    } catch (cause) {
      return cause instanceof Error ? cause : new Error(String(cause));
    }
  }

  return {
    push(rendition, slot, bytes) {
      if (!lanes[rendition].push(slot, bytes)) report(false, new Error("The disk is too slow: sound was dropped."));
      schedule();
    },
    onStorage(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    flush: async () => {
      await writing;
      await flush();
    },
    async close() {
      isClosed = true;
      timer?.cancel();
      await writing;
      await flush();
      await sync();
    },
  };
}
