// `hustings drill agent`: runs listeners on this machine for a drill elsewhere, which it asks for orders twice a second.

import { isIP } from "node:net";
import { availableParallelism } from "node:os";
import { type Clock, sleep, systemClock } from "@hustings/flow/clock.ts";
import { BadConfig } from "@hustings/server/ops/config.ts";
import { tryTcpPort } from "@hustings/server/ops/host/ports.ts";
import type { DoorAddress } from "../deployment/door-address.ts";
import { portsPerAddress } from "../measure/process-usage.ts";
import { type AgentOptions, readAgentOptions } from "./agent-options.ts";
import { type AgentOrders, type AgentStart, POLL_MS } from "./agent-server.ts";
import { startCrowd } from "./crowd.ts";
import { descriptorLimit, generatorsFor } from "./crowd-size.ts";

const DEADLINE_MS = 5_000;
/** Without an answer for this long the agent stops, so that its listeners do not outlive the drill. */
const ORPHANED_MS = 10_000;

/** Resolves when the drill is over or `signal` aborts. Throws BadConfig, or an Error for the person at the terminal. */
export async function runAgent(
  args: readonly string[],
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  const options = readAgentOptions(args);
  const { join } = options;
  await checkSourceAddresses(options);
  const answer = await post<AgentStart>(`${join}/join`, {});
  if (answer === undefined)
    throw new Error("The drill does not accept this agent: it has all its agents, or the address is of another drill.");
  const start = { ...answer, door: doorFrom(answer.door, options) };
  await warnOfPorts(start, options);
  const count = generatorsFor(start.people, await descriptorLimit(), availableParallelism());
  await using crowd = startCrowd(start, start.people, count, start.agent * count);
  process.stdout.write(
    `Agent ${start.agent + 1}: up to ${start.people.toLocaleString("en")} listeners for ${start.door.host}.\n`,
  );
  let answeredMs = clock.monotonicMs();
  while (!signal.aborted) {
    const next = await post<AgentOrders>(`${join}/${start.agent}`, crowd.report()).catch(() => undefined);
    if (next) answeredMs = clock.monotonicMs();
    for (const order of next?.orders ?? []) crowd.send(order);
    if (next?.isOver) return;
    if (clock.monotonicMs() - answeredMs > ORPHANED_MS) throw new Error("The drill does not answer any more.");
    await sleep(clock, POLL_MS, signal).catch(() => undefined);
  }
}

async function checkSourceAddresses({ sourceAddresses }: AgentOptions): Promise<void> {
  const faults: string[] = [];
  for (const address of sourceAddresses)
    await tryTcpPort(address, 0).catch(({ code }: NodeJS.ErrnoException) =>
      faults.push(`--source-address ${address} is not an address of this machine (${code}).`),
    );
  if (faults.length > 0) throw new BadConfig(faults);
}

function doorFrom(door: DoorAddress, { sourceAddresses: from }: AgentOptions): DoorAddress {
  if (from.length === 0) return door;
  const [family, needed] = [isIP(from[0] as string), isIP(door.host)];
  if (needed !== 0 && needed !== family)
    throw new BadConfig([`The door is ${door.host}: --source-address must be IPv${needed}, not IPv${family}.`]);
  return { ...door, from };
}

/** A door on loopback is reached from many source addresses, so ports are no limit there. */
async function warnOfPorts({ door, people }: AgentStart, { sourceAddresses }: AgentOptions): Promise<void> {
  if (door.host.startsWith("127.") && sourceAddresses.length === 0) return;
  const each = await portsPerAddress();
  if (people <= each * Math.max(1, sourceAddresses.length)) return;
  process.stdout.write(
    `${people.toLocaleString("en")} listeners need ${Math.ceil(people / each)} addresses with ${each.toLocaleString("en")} ports each. Give them with --source-address, or widen net.ipv4.ip_local_port_range. Listeners without a port cannot join.\n`,
  );
}

async function post<Answer>(url: string, body: unknown): Promise<Answer | undefined> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  if (!response.ok) return undefined;
  return (await response.json()) as Answer;
}
