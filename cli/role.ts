// The script of a role process, which the parent of `hustings serve` starts.

import { enableCompileCache, flushCompileCache } from "node:module";
import { join } from "node:path";
import { runDirectory } from "@hustings/server/ops/process/run-directory.ts";

const [, , , dataDirectory = "."] = process.argv;
const assetsDirectory = join(import.meta.dirname, "..", "web", "dist");

// Compiling takes most of a start. Write the cache now, because a killed process writes nothing.
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
