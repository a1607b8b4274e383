// Lists the folders in which banned phrases still stand. A folder without one is deleted from here; none is added.

export const pendingFolders: readonly string[] = [
  "server/src/edge",
  "server/src/edge/admission",
  "server/src/edge/http",
  "server/src/edge/load",
  "server/src/edge/push",
  "server/src/edge/socket",
  "server/src/edge/testing",

  "server/src/hls",

  "server/src/http",

  "server/src/log/disk",
  "server/src/log/disk/testing",
  "server/src/log/testing",

  "server/src/packager",
  "server/src/packager/testing",

  "server/src/replay",

  "server/src/replica",
  "server/src/replica/testing",

  "test/bench",
];
