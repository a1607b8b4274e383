// Owns where the processes of one data directory meet: the names of the sockets in DATA/run. Refuses to open any.

import { join } from "node:path";

/** A process of `hustings serve`: the stage, the api, the packager, or edge number `index` (0 for the others). */
export interface RoleName {
  readonly role: "stage" | "api" | "packager" | "edge";
  readonly index: number;
}

export interface RunDirectory {
  readonly path: string;
  readonly stageSocket: string;
  readonly followSocket: string;
  readonly apiSocket: string;
  readonly packagerSocket: string;
  readonly parentSocket: string;
  /** With which settings the running processes were started. */
  readonly settingsFile: string;
  /** What Node compiled of the sources; grows with them alone. */
  readonly compiledDirectory: string;
  /** The socket on which a process answers for its health. */
  controlSocket(name: RoleName): string;
}

/** Longest path that a Unix socket can have on every platform that we run on (sun_path of macOS, with its final zero). */
export const MAX_SOCKET_PATH_BYTES = 103;

export function runDirectory(dataDirectory: string): RunDirectory {
  const path = join(dataDirectory, "run");
  const stageSocket = join(path, "stage.sock");
  const apiSocket = join(path, "api.sock");
  const packagerSocket = join(path, "packager.sock");
  const fixed: Partial<Record<RoleName["role"], string>> = {
    stage: stageSocket,
    api: apiSocket,
    packager: packagerSocket,
  };
  return {
    path,
    stageSocket,
    followSocket: join(path, "follow.sock"),
    apiSocket,
    packagerSocket,
    parentSocket: join(path, "parent.sock"),
    settingsFile: join(path, "settings.json"),
    compiledDirectory: join(path, "compiled"),
    controlSocket: ({ role, index }) => fixed[role] ?? join(path, `edge-${index}.sock`),
  };
}

/** How a process is called in logs: "stage", "api", "edge 3". */
export function titleOf({ role, index }: RoleName): string {
  return role === "edge" ? `edge ${index}` : role;
}
