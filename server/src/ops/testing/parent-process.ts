// A parent process for tests: a supervisor of fake roles, with the settings of its first argument and the version of its
// second. Prints "ready" and what it adopted, or the sentence with which it failed.

import { join } from "node:path";
import { systemClock } from "@hustings/flow/clock.ts";
import { readConfig } from "../config.ts";
import { createLogger } from "../logger.ts";
import { startSupervisor } from "../process/supervisor.ts";

const [settings = "{}", version = "1"] = process.argv.slice(2);
const config = readConfig(JSON.parse(settings) as Record<string, string>, {}, { coresCount: 1 });
const over = Promise.withResolvers<void>();
process.on("SIGTERM", over.resolve);
try {
  const supervisor = await startSupervisor({
    config,
    version,
    coresCount: 2,
    entry: join(import.meta.dirname, "fake-role.ts"),
    clock: systemClock,
    random: Math.random,
    log: createLogger({ role: "parent", level: "error", format: "json" }),
    onStopRequest: over.resolve,
  });
  process.stdout.write(`ready ${supervisor.adopted.join(",")}\n`);
  await over.promise;
  await supervisor[Symbol.asyncDispose]();
  process.stdout.write("ended\n");
} catch (error) {
  process.stdout.write(`failed ${(error as Error).message}\n`);
}
