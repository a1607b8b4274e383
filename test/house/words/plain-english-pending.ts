// Lists the folders in which banned phrases still stand. A folder without one is deleted from here; none is added.

export const pendingFolders: readonly string[] = [
  "test/bench",
  "test/bench/edge",
  "test/bench/latency",
  "test/bench/loss",
  "test/bench/native",
  "test/bench/pull",
  "test/bench/report",
  "test/bench/stage",
];
