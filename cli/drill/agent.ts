// Owns `hustings drill agent`: a machine that makes listeners for a drill that is held elsewhere. Refuses to decide
// anything: what to do is asked for twice a second.

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type Clock, sleep, systemClock } from "@hustings/flow/clock.ts";
import { type AgentOrders, type AgentStart, ASK_EVERY_MS } from "./control.ts";
import { startCrowd } from "./crowd.ts";
import { generatorsFor } from "./crowd-size.ts";
import { descriptorLimit } from "./processes.ts";

const DEADLINE_MS = 5_000;
/** Without a word from the drill for so long, it is over: nobody's server is left with a crowd that nobody steers. */
const ORPHANED_MS = 10_000;

export async function runAgent(
  args: readonly string[],
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { join: { type: "string" } } });
  const { join = "" } = values;
  if (!URL.canParse(join)) throw new Error("Give --join with the address that the drill has printed.");
  const start = await ask<AgentStart>(`${join}/join`, {});
  if (start === undefined) throw new Error("The drill has all the agents that it waits for, or is another.");
  const count = generatorsFor(start.people, await descriptorLimit(), availableParallelism());
  await using crowd = startCrowd(start, start.people, count, start.agent * count);
  process.stdout.write(
    `Agent ${start.agent + 1}: up to ${start.people.toLocaleString("en")} listeners for ${start.door.host}.\n`,
  );
  let heardMs = clock.monotonicMs();
  while (!signal.aborted) {
    const told = await ask<AgentOrders>(`${join}/${start.agent}`, crowd.report()).catch(() => undefined);
    if (told) heardMs = clock.monotonicMs();
    for (const order of told?.orders ?? []) crowd.give(order);
    if (told?.isOver) return;
    if (clock.monotonicMs() - heardMs > ORPHANED_MS) throw new Error("The drill does not answer any more.");
    await sleep(clock, ASK_EVERY_MS, signal).catch(() => undefined);
  }
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
