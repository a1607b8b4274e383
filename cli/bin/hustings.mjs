#!/usr/bin/env node
// Owns nothing: the `hustings` command, which is cli/main.ts run with the pinned Node.

import { fileURLToPath } from "node:url";
import { launch } from "./launch.mjs";

launch([fileURLToPath(new URL("../main.ts", import.meta.url)), ...process.argv.slice(2)]);
