// Owns `npm run docs`: writes the documents that are made from tables. What they say is generated.ts's.

import { writeFileSync } from "node:fs";
import { SETTINGS } from "@hustings/server/ops/config.ts";
import { ERROR_TABLE } from "@hustings/wire/errors.ts";
import { configDocument, errorsDocument } from "./generated.ts";

writeFileSync(new URL("../../../docs/errors.md", import.meta.url), errorsDocument(ERROR_TABLE));
writeFileSync(new URL("../../../docs/config.md", import.meta.url), configDocument(SETTINGS));
