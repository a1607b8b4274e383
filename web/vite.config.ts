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
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
