// Ends a child process and waits for it.

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** Calls `ask`, which makes the child end, and resolves once it has; does nothing if it has ended already. */
export async function endChild(child: ChildProcess, ask: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  ask();
  await exited;
}
