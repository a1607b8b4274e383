// Bounded work on many items.

/** Runs `act` on every item, at most `limit` at a time. Rejects with the first failure; what has begun goes on. */
export async function eachAtMost<Item>(
  items: Iterable<Item>,
  limit: number,
  act: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  async function work(): Promise<void> {
    for (let next = rest.next(); !next.done; next = rest.next()) await act(next.value);
  }
  await Promise.all(Array.from({ length: limit }, work));
}
