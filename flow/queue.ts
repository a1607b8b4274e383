// Owns a bounded queue between one writer that never waits and one reader that does. Refuses to grow.

/** What happens to a write when the queue is full: the oldest item goes, or the queue breaks and the reader is told. */
export type WhenFull = "drop-oldest" | "break";

export class QueueOverflow extends Error {
  override readonly name = "QueueOverflow";
}

export interface Queue<T> extends AsyncIterable<T> {
  /** False when the queue is closed, or broke with this write. */
  push(item: T): boolean;
  /** The reader gets what is queued, then the end, or `cause` thrown. */
  close(cause?: unknown): void;
  readonly length: number;
  readonly droppedCount: number;
}

export function boundedQueue<T>(limit: number, whenFull: WhenFull): Queue<T> {
  const items: T[] = [];
  let droppedCount = 0;
  let closed: { readonly cause: unknown } | undefined;
  let wake: (() => void) | undefined;

  function close(cause?: unknown): void {
    closed ??= { cause };
    wake?.();
  }

  async function* read(): AsyncGenerator<T> {
    for (;;) {
      while (items.length > 0) yield items.shift() as T;
      if (closed?.cause !== undefined) throw closed.cause;
      if (closed) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = undefined;
    }
  }

  return {
    push(item) {
      if (closed) return false;
      if (items.length >= limit) {
        droppedCount++;
        if (whenFull === "break") {
          items.length = 0;
          close(new QueueOverflow(`The reader fell ${limit} items behind.`));
          return false;
        }
        items.shift();
      }
      items.push(item);
      wake?.();
      return true;
    },
    close,
    get length() {
      return items.length;
    },
    get droppedCount() {
      return droppedCount;
    },
    [Symbol.asyncIterator]: () => read(),
  };
}
