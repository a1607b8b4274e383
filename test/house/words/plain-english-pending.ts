// Lists the folders in which banned phrases still stand. A folder without one is deleted from here; none is added.

export const pendingFolders: readonly string[] = [
  "server/src/log/disk",
  "server/src/log/disk/testing",
  "server/src/log/testing",

  "server/src/packager",
  "server/src/packager/testing",

  "test/bench",
];
