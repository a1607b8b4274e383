// Owns nothing: the script of a stage, api or edge process, which the parent starts. Not a command for people.

import { enableCompileCache, flushCompileCache } from "node:module";
import { join } from "node:path";
import { runDirectory } from "@hustings/server/ops/process/run-directory.ts";

const [, , , dataDirectory = "."] = process.argv;
const assetsDirectory = join(import.meta.dirname, "..", "web", "dist");

// Most of what a start takes is reading and compiling: a process that comes after one that died finds that done. It is kept
// before anything goes wrong, as whoever is killed writes nothing.
enableCompileCache(runDirectory(dataDirectory).compiledDirectory);
const [{ startRole }, { runRole }] = await Promise.all([
  import("@hustings/server/roles/start-role.ts"),
  import("@hustings/server/ops/process/role-process.ts"),
]);
const start = startRole({ assetsDirectory });
await runRole(
  async (...told) => {
    const running = await start(...told);
    flushCompileCache();
    return running;
  },
  (code) => process.exit(code),
);
