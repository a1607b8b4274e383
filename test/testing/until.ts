// Waits for conditions in tests by looking again and again.

import { setTimeout as pause } from "node:timers/promises";

const LOOK_AGAIN_MS = 25;
/** Longest wait in tests. It only bounds a failure, so it is long enough for a machine ten times slower. */
export const PATIENCE_MS = 180_000;

/**
 * Resolves once `holds` gives true. A throw counts as false. Rejects after `giveUpMs`, or once `isHopeless`, with the last
 * throw as the cause.
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  giveUpMs = PATIENCE_MS,
  isHopeless: () => boolean = () => false,
): Promise<void> {
  const endMs = performance.now() + giveUpMs;
  let cause: unknown;
  do {
    try {
      if (await holds()) return;
    } catch (error) {
      cause = error;
    }
    await pause(LOOK_AGAIN_MS);
  } while (performance.now() < endMs && !isHopeless());
  throw new Error(`Gave up waiting for ${what}.`, { cause });
}
