// Owns waiting for a condition in tests: looked at again and again, with an end that no slow machine reaches.

import { setTimeout as pause } from "node:timers/promises";

const LOOK_AGAIN_MS = 25;
const GIVE_UP_MS = 60_000;

/** Resolves once `holds` gives true. A throw counts as "not yet"; the last one is the cause when time is up, or it is hopeless. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  giveUpMs = GIVE_UP_MS,
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
