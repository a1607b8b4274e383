// Starts a process's role. Roles are loaded only in their process: an edge never loads WebRTC.

import { createLogger } from "../ops/logger.ts";
import type { StartRole } from "../ops/process/role-process.ts";
import { titleOf } from "../ops/process/run-directory.ts";

export interface NodeOptions {
  readonly assetsDirectory: string;
}

export function startRole(options: NodeOptions): StartRole {
  return async (start, door) => {
    const { logLevel, logFormat } = start.config;
    const log = createLogger({
      role: titleOf(start.name),
      level: logLevel,
      format: logFormat === "lines" ? "lines" : "json",
    });
    const { assetsDirectory } = options;
    switch (start.name.role) {
      case "stage":
        return (await import("./stage-role.ts")).startStageRole(start, log);
      case "api":
        return (await import("./api-role.ts")).startApiRole(start, log);
      case "packager":
        return (await import("./packager-role.ts")).startPackagerRole(start, log, assetsDirectory);
      case "edge":
        return (await import("./edge-role.ts")).startEdgeRole(start, log, door, assetsDirectory);
    }
  };
}
