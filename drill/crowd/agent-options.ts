// Reads the arguments of `hustings drill agent`; names all mistakes at once.

import { isIP } from "node:net";
import { parseArgs } from "node:util";
import { BadConfig } from "@hustings/server/ops/config.ts";

export interface AgentOptions {
  readonly join: string;
  /** Local addresses to connect from, in rotation; empty: the system chooses. */
  readonly sourceAddresses: readonly string[];
}

const MAX_SOURCE_ADDRESSES = 256;
const AGENT_FLAGS = { join: { type: "string" }, "source-address": { type: "string", multiple: true } } as const;

/** Throws BadConfig with all mistakes. */
export function readAgentOptions(args: readonly string[]): AgentOptions {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: AGENT_FLAGS });
  const faults = positionals.map((text) => `"${text}" belongs to no option.`);
  const { join = "" } = values;
  if (!/^http:$/.test(URL.parse(join)?.protocol ?? ""))
    faults.push("Give --join with the address that the drill printed.");
  const sourceAddresses = sourcesOf(values["source-address"] ?? [], faults);
  if (faults.length > 0) throw new BadConfig(faults);
  return { join, sourceAddresses };
}

function sourcesOf(given: readonly string[], faults: string[]): string[] {
  const all = given.flatMap((text) => text.split(",")).map((text) => text.trim());
  for (const text of all) if (isIP(text) === 0) faults.push(`--source-address "${text}" is not an IP address.`);
  const twice = new Set(all.filter((text, i) => all.indexOf(text) !== i));
  for (const text of twice) faults.push(`--source-address "${text}" is given twice.`);
  if (new Set(all.map(isIP).filter((family) => family !== 0)).size > 1)
    faults.push("--source-address must be all IPv4 or all IPv6: a door has one of them.");
  if (all.length > MAX_SOURCE_ADDRESSES)
    faults.push(`--source-address allows at most ${MAX_SOURCE_ADDRESSES} addresses.`);
  return all;
}
