// Reports the compressed size of the page, from the link to the first sound, as the web build counts it.

import { ensureBuilt } from "../../../web/build/build.ts";
import { WEIGHT_BUDGET_BYTES, weighEverything, weighListenersPath } from "../../../web/build/weight.ts";
import type { Bench } from "../report/figures.ts";

export const pageWeight: Bench = {
  name: "page",
  async run() {
    const { directory } = await ensureBuilt({ quiet: true });
    const { totalBrotliBytes, items } = weighListenersPath(directory);
    return [
      {
        what: "page weight, link to sound, brotli",
        value: totalBrotliBytes / 1_000,
        unit: "kB",
        atMost: WEIGHT_BUDGET_BYTES / 1_000,
        note: `${items.length} files`,
      },
      {
        what: "all files that the app can load, brotli",
        value: weighEverything(directory).totalBrotliBytes / 1_000,
        unit: "kB",
      },
    ];
  },
};
