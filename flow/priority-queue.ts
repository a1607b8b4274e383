// A bounded priority queue ordered by due time, as a binary heap.

export interface PriorityQueue<T> {
  /** False if the queue is full. */
  add(item: T, dueMs: number): boolean;
  /** Removes and returns the item due first (of equals the one added first); `undefined`: none is due by `byMs`. */
  take(byMs?: number): T | undefined;
  readonly size: number;
}

interface Due<T> {
  readonly item: T;
  readonly dueMs: number;
  readonly number: number;
}

export function createPriorityQueue<T>(limit: number): PriorityQueue<T> {
  const heap: Due<T>[] = [];
  let count = 0;

  function rise(at: number): void {
    const one = heap[at] as Due<T>;
    for (let i = at; i > 0; ) {
      const above = (i - 1) >> 1;
      if (!isBefore(one, heap[above] as Due<T>)) return;
      heap[i] = heap[above] as Due<T>;
      heap[above] = one;
      i = above;
    }
  }

  function sink(): void {
    const one = heap[0] as Due<T>;
    for (let i = 0; ; ) {
      const left = i * 2 + 1;
      if (left >= heap.length) return;
      const isRight = left + 1 < heap.length && isBefore(heap[left + 1] as Due<T>, heap[left] as Due<T>);
      const below = isRight ? left + 1 : left;
      if (!isBefore(heap[below] as Due<T>, one)) return;
      heap[i] = heap[below] as Due<T>;
      heap[below] = one;
      i = below;
    }
  }

  return {
    add(item, dueMs) {
      if (heap.length >= limit) return false;
      heap.push({ item, dueMs, number: count++ });
      rise(heap.length - 1);
      return true;
    },
    take(byMs = Infinity) {
      const first = heap[0];
      if (first === undefined || first.dueMs > byMs) return undefined;
      const last = heap.pop() as Due<T>;
      if (first === last) return first.item;
      heap[0] = last;
      sink();
      return first.item;
    },
    get size() {
      return heap.length;
    },
  };
}

function isBefore<T>(a: Due<T>, b: Due<T>): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.number < b.number);
}
