// The sockets and files in DATA/run, where the processes of a data directory find each other.

import { join } from "node:path";

/** `index` numbers edges; 0 for others. */
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
  readonly settingsFile: string;
  readonly compiledDirectory: string;
  controlSocket(name: RoleName): string;
}

/** sun_path of macOS, without its final zero. */
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

/** "stage", "api", "edge 3". */
export function titleOf({ role, index }: RoleName): string {
  return role === "edge" ? `edge ${index}` : role;
}
