// Prepares a data directory before its processes start.

import { createSecureContext } from "node:tls";
import type { Config } from "../ops/config.ts";
import { startFailureOf } from "../ops/process/start-failure.ts";
import { tlsOf } from "./tls-files.ts";

/** Ticket keys, certificate. Throws StartFailure. */
export async function prepareNode(config: Config): Promise<void> {
  const { loadOrCreateKeys } = await import("../tickets/keys.ts");
  try {
    await loadOrCreateKeys(config.dataDirectory);
  } catch (cause) {
    throw startFailureOf(cause, "The ticket keys cannot be made or read");
  }
  try {
    const tls = await tlsOf(config);
    if (tls !== undefined) createSecureContext(tls);
  } catch (cause) {
    throw startFailureOf(cause, "The certificate of --tls-cert and --tls-key cannot be used");
  }
}
