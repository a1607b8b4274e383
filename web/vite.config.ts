// Owns how the web app is bundled: one page, hashed files, nothing from elsewhere.

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
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
    reportCompressedSize: false,
  },
});
