#!/usr/bin/env node
// The `hustings` command: runs cli/main.ts with the pinned Node.

import { fileURLToPath } from "node:url";
import { launch } from "./launch.mjs";

launch([fileURLToPath(new URL("../main.ts", import.meta.url)), ...process.argv.slice(2)]);
