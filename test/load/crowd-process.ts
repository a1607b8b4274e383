// Owns starting crowds as processes of low priority and asking them for reports. Refuses to judge what they say.

import { fork } from "node:child_process";
import { once } from "node:events";
import { setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import type { CrowdOrder, CrowdReport } from "./crowd.ts";

const CROWD = fileURLToPath(new URL("./crowd.ts", import.meta.url));
/** As far below the stage as the edges are: a generator on the same machine must not be what is measured. */
const NICE = 10;

export interface CrowdProcess extends AsyncDisposable {
  report(): Promise<CrowdReport>;
}

export function startCrowd(order: CrowdOrder): CrowdProcess {
  const child = fork(CROWD, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  if (child.pid !== undefined) setPriority(child.pid, NICE);
  child.send(order);
  return {
    async report() {
      const answer = once(child, "message");
      child.send("report");
      return (await answer)[0] as CrowdReport;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      const exited = once(child, "exit");
      if (child.connected) child.send("stop");
      else child.kill();
      await exited;
    },
  };
}
