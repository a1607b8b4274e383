// Owns how the web app is bundled: one page, hashed files, nothing from elsewhere.

import { join } from "node:path";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

interface Graph {
  getModuleInfo(id: string): { readonly isEntry: boolean; readonly importers: readonly string[] } | null;
}

function pageOf(id: string, graph: Graph): string | null {
  return isAtOnce(id, graph) ? "page" : null;
}

/** Whether a module is loaded with the page, and not with a part of it that is loaded later. */
function isAtOnce(id: string, graph: Graph, seen: Set<string> = new Set()): boolean {
  if (seen.has(id)) return false;
  seen.add(id);
  const module = graph.getModuleInfo(id);
  return module !== null && (module.isEntry || module.importers.some((one) => isAtOnce(one, graph, seen)));
}

export default defineConfig({
  root: join(import.meta.dirname, ".."),
  base: "/",
  publicDir: "public",
  plugins: [svelte()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    assetsDir: "assets",
    assetsInlineLimit: 0,
    target: ["chrome108", "firefox115", "safari16.4"],
    // What a part that is loaded later needs beside itself is mostly here already: naming it would weigh on every page.
    modulePreload: {
      polyfill: false,
      resolveDependencies: (_, needed, { hostType }) =>
        hostType === "html" ? needed : needed.filter((path) => path.endsWith(".css")),
    },
    // What the page loads at once is one file: compressed together it is smaller by half a kilobyte.
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ debugName: "page", name: pageOf }] } },
    },
    reportCompressedSize: false,
  },
});
