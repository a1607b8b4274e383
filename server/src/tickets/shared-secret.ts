// Secrets that the processes of one data directory share, in files of DATA/keys (0600).

import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BadKeyFile } from "./keys.ts";

/** `session`: for TLS session tickets. `places`: for what edges say about a listener's place. */
export type SharedSecret = "session" | "places";

const SECRET_BYTES = 32;

/** 32 bytes, created on the first call; concurrent calls agree. Throws BadKeyFile or a file system error. */
export async function loadOrCreateSecret(dataDirectory: string, name: SharedSecret): Promise<Buffer> {
  const folder = join(dataDirectory, "keys");
  const path = join(folder, name);
  const known = await readSecret(path);
  if (known) return known;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const made = join(folder, `${name}.${randomBytes(6).toString("hex")}`);
  await writeFile(made, randomBytes(SECRET_BYTES).toString("hex"), { mode: 0o600, flag: "wx" });
  try {
    await link(made, path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
  } finally {
    await rm(made, { force: true });
  }
  const secret = await readSecret(path);
  if (!secret) throw new BadKeyFile(`${path} was deleted while it was being created`);
  return secret;
}

async function readSecret(path: string): Promise<Buffer | undefined> {
  try {
    const text = await readFile(path, "utf8");
    if (!/^[0-9a-f]{64}\s*$/.test(text)) throw new BadKeyFile(`${path} is not 32 bytes in hexadecimal`);
    return Buffer.from(text.trim(), "hex");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
}
