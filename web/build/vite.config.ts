// How Vite bundles the web app: one page and hashed files, all from this server.

import { join } from "node:path";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

interface Graph {
  getModuleInfo(id: string): { readonly isEntry: boolean; readonly importers: readonly string[] } | null;
}

function pageOf(id: string, graph: Graph): string | null {
  return isAtOnce(id, graph) ? "page" : null;
}

function isAtOnce(id: string, graph: Graph, seen: Set<string> = new Set()): boolean {
  if (seen.has(id)) return false;
  seen.add(id);
  const module = graph.getModuleInfo(id);
  return module !== null && (module.isEntry || module.importers.some((one) => isAtOnce(one, graph, seen)));
}

/** The app has its own sentences in text/en/errors.ts, and reads codes only: the rest weighs a kilobyte for every listener. */
const withoutProgramSentences: Plugin = {
  name: "without-program-sentences",
  enforce: "pre",
  transform: {
    filter: { id: /\/wire\/errors\.ts$/ },
    handler: (code) => code.replace(/\b(?:(?:what|todo): "[^"]*"|status: \d+),?/g, ""),
  },
};

/**
 * Parts that load later carry their styles in their code, and most of their other dependencies are in the page already. So
 * Vite's loader of dependencies is left out, which weighs on every listener.
 */
const withoutPreload: Plugin = {
  name: "without-preload",
  enforce: "pre",
  load: {
    filter: { id: /vite\/preload-helper/ },
    handler: () => "export const __vitePreload = (load) => load();",
  },
};

const isLazy = (filename: string): boolean =>
  /\/web\/(?:home|speaking|account|replay)\/|\/(?:NotFound|AskToSpeak|HearingBar)\.svelte$/.test(filename);

export default defineConfig({
  root: join(import.meta.dirname, ".."),
  base: "/",
  publicDir: "public",
  plugins: [
    withoutProgramSentences,
    withoutPreload,
    svelte({ dynamicCompileOptions: ({ filename }) => (isLazy(filename) ? { css: "injected" } : undefined) }),
  ],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    assetsDir: "assets",
    assetsInlineLimit: 0,
    target: ["chrome108", "firefox115", "safari16.4"],
    modulePreload: false,
    // One file compresses half a kilobyte smaller.
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ debugName: "page", name: pageOf }] } },
    },
    reportCompressedSize: false,
  },
});
