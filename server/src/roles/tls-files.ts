// Reads the certificate of the public door and of the stage's port.

import { readFile } from "node:fs/promises";
import type { Config } from "../ops/config.ts";

/** `undefined` without TLS. Rejects with the file system's error. */
export async function tlsOf({ tlsCert, tlsKey }: Config): Promise<{ cert: string; key: string } | undefined> {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  return { cert: await readFile(tlsCert, "utf8"), key: await readFile(tlsKey, "utf8") };
}
