// Owns the lock by which one process at a time holds a data directory. Refuses to wait for it.

import { randomUUID } from "node:crypto";
import { link, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { codeOf } from "./lane-files.ts";

export class StoreLocked extends Error {
  override readonly name = "StoreLocked";
}

/** Who holds a lock: a pid alone may have been given to another process since, so its start is kept beside it. */
interface Holder {
  readonly pid: number;
  readonly started: string;
  readonly token: string;
}

const TRIES = 5;
const heldTokens = new Set<string>();

/**
 * Takes the lock file at `path`; it is let go by disposing. Throws StoreLocked, naming the pid, while a living process
 * holds it; the lock of a dead one is taken over.
 */
export async function takeLock(path: string): Promise<AsyncDisposable> {
  const mine: Holder = { pid: process.pid, started: await startOf(process.pid), token: randomUUID() };
  const draft = `${path}.${mine.token}`;
  await writeFile(draft, JSON.stringify(mine), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (await placed(draft, path)) return held(path, mine.token);
      const holder = await holderOf(path);
      if (holder && (await isAlive(holder)))
        throw new StoreLocked(`Process ${holder.pid} holds ${path}: stop it, or use another data directory.`);
      await putAside(path, `${draft}.stale`, holder?.token);
    }
    throw new StoreLocked(`${path} changes hands too often.`);
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

function held(path: string, token: string): AsyncDisposable {
  heldTokens.add(token);
  return {
    async [Symbol.asyncDispose]() {
      heldTokens.delete(token);
      if ((await holderOf(path))?.token === token) await unlink(path);
    },
  };
}

// Between reading a stale lock and moving it away, another process may have put its own there: then it goes back.
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

async function isAlive({ pid, started, token }: Holder): Promise<boolean> {
  if (pid === process.pid) return heldTokens.has(token);
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

/**
 * When a process started, in words that only that process has since the machine did; DEAD for one that its parent has
 * only to bury, "" where the system does not tell.
 */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "latin1");
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? DEAD : `${boot.trim()} ${fields[19]}`;
  } catch {
    return "";
  }
}
