// Owns nothing: the script of a stage, api or edge process, which the parent starts. Not a command for people.

import { join } from "node:path";
import { startRole } from "@hustings/server/node.ts";
import { runRole } from "@hustings/server/ops/role.ts";

const assetsDirectory = join(import.meta.dirname, "..", "web", "dist");
await runRole(startRole({ assetsDirectory }), (code) => process.exit(code));
