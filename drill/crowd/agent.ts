// Owns `hustings drill agent`: a machine that makes listeners for a drill that is held elsewhere. Refuses to decide
// anything: what to do is asked for twice a second.

import { isIP } from "node:net";
import { availableParallelism } from "node:os";
import { type Clock, sleep, systemClock } from "@hustings/flow/clock.ts";
import { BadConfig } from "@hustings/server/ops/config.ts";
import { tryTcpPort } from "@hustings/server/ops/host/ports.ts";
import type { DoorAddress } from "../deployment/door-address.ts";
import { descriptorLimit, portsPerAddress } from "../measure/process-usage.ts";
import { type AgentOptions, readAgentOptions } from "./agent-options.ts";
import { type AgentOrders, type AgentStart, ASK_EVERY_MS } from "./agent-server.ts";
import { startCrowd } from "./crowd.ts";
import { generatorsFor } from "./crowd-size.ts";

const DEADLINE_MS = 5_000;
/** Without a word from the drill for so long, it is over: nobody's server is left with a crowd that nobody steers. */
const ORPHANED_MS = 10_000;

export async function runAgent(
  args: readonly string[],
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  const options = readAgentOptions(args);
  const { join } = options;
  await checkOwn(options);
  const answer = await ask<AgentStart>(`${join}/join`, {});
  if (answer === undefined) throw new Error("The drill has all the agents that it waits for, or is another.");
  const start = { ...answer, door: doorFrom(answer.door, options) };
  await warnOfPorts(start, options);
  const count = generatorsFor(start.people, await descriptorLimit(), availableParallelism());
  await using crowd = startCrowd(start, start.people, count, start.agent * count);
  process.stdout.write(
    `Agent ${start.agent + 1}: up to ${start.people.toLocaleString("en")} listeners for ${start.door.host}.\n`,
  );
  let heardMs = clock.monotonicMs();
  while (!signal.aborted) {
    const told = await ask<AgentOrders>(`${join}/${start.agent}`, crowd.report()).catch(() => undefined);
    if (told) heardMs = clock.monotonicMs();
    for (const order of told?.orders ?? []) crowd.send(order);
    if (told?.isOver) return;
    if (clock.monotonicMs() - heardMs > ORPHANED_MS) throw new Error("The drill does not answer any more.");
    await sleep(clock, ASK_EVERY_MS, signal).catch(() => undefined);
  }
}

/** Throws BadConfig naming each address that connections cannot come from here. */
async function checkOwn({ sourceAddresses }: AgentOptions): Promise<void> {
  const faults: string[] = [];
  for (const address of sourceAddresses)
    await tryTcpPort(address, 0).catch(({ code }: NodeJS.ErrnoException) =>
      faults.push(`--source-address ${address} is no address of this machine (${code}).`),
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

/** On loopback the crowd spreads over addresses by itself. */
async function warnOfPorts({ door, people }: AgentStart, { sourceAddresses }: AgentOptions): Promise<void> {
  if (door.host.startsWith("127.") && sourceAddresses.length === 0) return;
  const each = await portsPerAddress();
  if (people <= each * Math.max(1, sourceAddresses.length)) return;
  process.stdout.write(
    `${people.toLocaleString("en")} listeners need ${Math.ceil(people / each)} addresses with ${each.toLocaleString("en")} ports each: give them with --source-address, or widen net.ipv4.ip_local_port_range. Who finds no port does not come.\n`,
  );
}

/** `undefined` when it was refused. */
async function ask<Answer>(url: string, body: unknown): Promise<Answer | undefined> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  if (!response.ok) return undefined;
  return (await response.json()) as Answer;
}
