// The names of the sockets and files in DATA/run, where the processes of one data directory find each other.

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
  /** The settings with which the running processes were started. */
  readonly settingsFile: string;
  /** Node's compile cache; it grows only with the sources. */
  readonly compiledDirectory: string;
  /** The socket at which a process answers for its health. */
  controlSocket(name: RoleName): string;
}

/** The longest path of a Unix socket on every supported platform (sun_path of macOS, less its final zero). */
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

/** The name of a process in logs: "stage", "api", "edge 3". */
export function titleOf({ role, index }: RoleName): string {
  return role === "edge" ? `edge ${index}` : role;
}
