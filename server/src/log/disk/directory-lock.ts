// A store's lock file: one process at a time holds it.

import { randomUUID } from "node:crypto";
import { link, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { codeOf } from "./lane-files.ts";

export class StoreLocked extends Error {
  override readonly name = "StoreLocked";
}

/** A process, with its start time, because a pid can be given again. */
interface Holder {
  readonly pid: number;
  readonly started: string;
  readonly token: string;
}

const TRIES = 5;

/** Takes the lock until disposed, also from a dead process. Throws StoreLocked, which names the pid of a living one. */
export async function takeLock(path: string): Promise<AsyncDisposable> {
  const mine: Holder = { pid: process.pid, started: await startOf(process.pid), token: randomUUID() };
  const draft = `${path}.${mine.token}`;
  await writeFile(draft, JSON.stringify(mine), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (await placed(draft, path)) return heldLock(path, mine.token);
      const holder = await holderOf(path);
      if (holder && (await isAlive(holder, mine)))
        throw new StoreLocked(`Process ${holder.pid} holds ${path}: stop it, or use another data directory.`);
      await putAside(path, `${draft}.stale`, holder?.token);
    }
    throw new StoreLocked(`Other processes keep taking ${path}.`);
  } finally {
    await unlink(draft).catch(() => undefined);
  }
}

async function placed(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (cause) {
    if (codeOf(cause) === "EEXIST") return false;
    throw cause;
  }
}

function heldLock(path: string, token: string): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      if ((await holderOf(path))?.token === token) await unlink(path);
    },
  };
}

// If another process has replaced the stale lock, its lock is put back.
async function putAside(path: string, aside: string, staleToken: string | undefined): Promise<void> {
  try {
    await rename(path, aside);
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return;
    throw cause;
  }
  if ((await holderOf(aside))?.token !== staleToken) await link(aside, path).catch(() => undefined);
  await unlink(aside);
}

async function holderOf(path: string): Promise<Holder | undefined> {
  try {
    const { pid, started, token } = JSON.parse(await readFile(path, "utf8")) as Partial<Holder>;
    return typeof pid === "number" && pid > 0 ? { pid, started: String(started), token: String(token) } : undefined;
  } catch {
    return undefined;
  }
}

async function isAlive({ pid, started }: Holder, mine: Holder): Promise<boolean> {
  if (pid === process.pid) return started === mine.started;
  try {
    process.kill(pid, 0);
  } catch (cause) {
    return codeOf(cause) === "EPERM";
  }
  const startedNow = await startOf(pid);
  if (startedNow === DEAD) return false;
  return started === "" || startedNow === "" || started === startedNow;
}

const DEAD = "dead";

/** Unique since the machine started. DEAD: exited and not reaped yet. "": another process, without /proc. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "latin1");
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? DEAD : `${boot.trim()} ${fields[19]}`;
  } catch {
    return pid === process.pid ? `origin ${performance.timeOrigin}` : "";
  }
}
