// A clock for what cannot be undone: it is never ahead of the time that passed while a server ran on this data directory,
// whatever the system's clock says, so that one start with a wrong clock deletes nothing.

import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, repeat } from "@hustings/flow/clock.ts";

export interface SeenTime extends AsyncDisposable {
  /** Unix time in milliseconds, at most the system's. `-Infinity` until the clock of an older data directory is confirmed. */
  utcMs(): number;
}

/** A clock that ran this long without a step is confirmed; the time of standstills then counts too. */
export const CONFIRM_MS = 24 * 3_600_000;
const STEP_MS = 60_000;
const SAVE_MS = 60_000;
const FILE = "seen-time.json";

/** A data directory without spaces believes the clock as it is. Failures to save are ignored: things are then kept longer. */
export async function openSeenTime(directory: string, clock: Clock): Promise<SeenTime> {
  const path = join(directory, FILE);
  const saved = await readSaved(path);
  const isNew = saved === undefined && (await isEmpty(join(directory, "spaces")));
  const seen = createSeenClock(clock, isNew ? clock.utcMs() : (saved ?? Number.NEGATIVE_INFINITY));
  const save = async (): Promise<void> => {
    const utcMs = seen();
    if (!Number.isFinite(utcMs)) return;
    await writeFile(`${path}.new`, JSON.stringify({ utcMs }), { mode: 0o600 });
    await rename(`${path}.new`, path);
  };
  let saving = save().catch(() => {});
  const timer = repeat(clock, SAVE_MS, () => {
    saving = saving.then(save).catch(() => {});
  });
  return {
    utcMs: seen,
    async [Symbol.asyncDispose]() {
      timer.cancel();
      await saving.then(save).catch(() => {});
    },
  };
}

/** Call it at least every few hours: a step is noticed at a call. */
export function createSeenClock(clock: Clock, startUtcMs: number): () => number {
  let seenUtcMs = startUtcMs;
  let lastMs = clock.monotonicMs();
  let offsetMs = clock.utcMs() - lastMs;
  let steadySinceMs = lastMs;
  return () => {
    const nowMs = clock.monotonicMs();
    seenUtcMs += nowMs - lastMs;
    lastMs = nowMs;
    const utcMs = clock.utcMs();
    if (Math.abs(utcMs - nowMs - offsetMs) > STEP_MS) {
      offsetMs = utcMs - nowMs;
      steadySinceMs = nowMs;
    }
    if (nowMs - steadySinceMs >= CONFIRM_MS) seenUtcMs = utcMs;
    return Math.min(seenUtcMs, utcMs);
  };
}

async function readSaved(path: string): Promise<number | undefined> {
  try {
    const { utcMs } = JSON.parse(await readFile(path, "utf8")) as { utcMs?: unknown };
    return typeof utcMs === "number" && Number.isFinite(utcMs) ? utcMs : undefined;
  } catch {
    return undefined;
  }
}

async function isEmpty(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.every((name) => name.startsWith("."));
}
