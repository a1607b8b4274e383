// Starts a process's role. Roles are loaded only in their process: an edge never loads WebRTC.

import { createLogger } from "../ops/logger.ts";
import type { StartRole } from "../ops/process/role-process.ts";
import { titleOf } from "../ops/process/run-directory.ts";

export interface NodeOptions {
  readonly assetsDirectory: string;
}

export function startRole(options: NodeOptions): StartRole {
  return async (start, door, step) => {
    const { logLevel, logFormat } = start.config;
    const log = createLogger({
      role: titleOf(start.name),
      level: logLevel,
      format: logFormat === "lines" ? "lines" : "json",
    });
    const { assetsDirectory } = options;
    switch (start.name.role) {
      case "stage": {
        const { startStageRole } = await import("./stage-role.ts");
        step("opens its logs and resumes its spaces");
        return startStageRole(start, log, step);
      }
      case "api": {
        const { startApiRole } = await import("./api-role.ts");
        step("reads its keys");
        return startApiRole(start, log);
      }
      case "packager": {
        const { startPackagerRole } = await import("./packager-role.ts");
        step("starts its encoder");
        return startPackagerRole(start, log, assetsDirectory);
      }
      case "edge": {
        const { startEdgeRole } = await import("./edge-role.ts");
        step("reads the pages and opens the door");
        return startEdgeRole(start, log, door, assetsDirectory);
      }
    }
  };
}
