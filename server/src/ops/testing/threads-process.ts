// A process for tests that starts the threads that a role process may have (the pool's and a worker's) when it is asked to, and
// reports when they run.

import { stat } from "node:fs/promises";
import { Worker } from "node:worker_threads";

process.on("message", async () => {
  await stat(import.meta.filename);
  const worker = new Worker("setInterval(() => {}, 1_000)", { eval: true });
  worker.once("online", () => process.send?.("started"));
});
