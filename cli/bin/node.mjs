#!/usr/bin/env node
// `node cli/bin/node.mjs script.ts [arguments]` runs a script with the pinned Node.

import { launch } from "./launch.mjs";

launch(process.argv.slice(2));
