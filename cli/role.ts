// The script of a stage, api, edge or packager process, which the parent of `hustings serve` starts. Not a command for people.

import { enableCompileCache, flushCompileCache } from "node:module";
import { join } from "node:path";
import { runDirectory } from "@hustings/server/ops/process/run-directory.ts";

const [, , , dataDirectory = "."] = process.argv;
const assetsDirectory = join(import.meta.dirname, "..", "web", "dist");

// Reading and compiling the sources takes most of a start. The cache is written as soon as the role runs, because a killed
// process writes nothing, and its successor should start quickly.
enableCompileCache(runDirectory(dataDirectory).compiledDirectory);
const [{ startRole }, { runRole }] = await Promise.all([
  import("@hustings/server/roles/start-role.ts"),
  import("@hustings/server/ops/process/role-process.ts"),
]);
const start = startRole({ assetsDirectory });
await runRole(
  async (...args) => {
    const running = await start(...args);
    flushCompileCache();
    return running;
  },
  (code) => process.exit(code),
);
