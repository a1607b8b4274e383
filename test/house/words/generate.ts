// Runs `npm run docs`: writes the documents that generated.ts makes from tables.

import { writeFileSync } from "node:fs";
import { SETTINGS } from "@hustings/server/ops/config.ts";
import { ERROR_TABLE } from "@hustings/wire/errors.ts";
import { configDocument, errorsDocument } from "./generated.ts";

writeFileSync(new URL("../../../docs/errors.md", import.meta.url), errorsDocument(ERROR_TABLE));
writeFileSync(new URL("../../../docs/config.md", import.meta.url), configDocument(SETTINGS));
