#!/usr/bin/env node
// Owns nothing: `node cli/bin/node.mjs script.ts [arguments]` runs the script with the pinned Node.

import { launch } from "./launch.mjs";

launch(process.argv.slice(2));
