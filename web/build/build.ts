// Builds the web app, unless there is already a build of the current sources.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const ROOT = join(import.meta.dirname, "../..");
const DIRECTORY = join(import.meta.dirname, "../dist");
const TEXTS = /\.(?:css|html|js|json|svg|txt|webmanifest)$/;
const STAMP = join(DIRECTORY, ".stamp");
/** The app and the packages that it imports. */
const SOURCES = ["web", "listener", "speaker", "media", "wire", "flow", "package-lock.json"];

/** `built`: whether it had to be made. Throws the bundler's errors. */
export async function ensureBuilt(
  options: { readonly quiet?: boolean } = {},
): Promise<{ readonly built: boolean; readonly directory: string }> {
  const stamp = stampOfSources();
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === stamp) return { built: false, directory: DIRECTORY };
  if (!options.quiet) process.stdout.write("Building the web app: its build is missing or older than its sources.\n");
  const { build } = await import("vite");
  await build({ configFile: join(import.meta.dirname, "vite.config.ts"), logLevel: options.quiet ? "error" : "warn" });
  const [{ loadOpus }, { holdMusicFile }] = await Promise.all([
    import("@hustings/media/codec/opus.ts"),
    import("@hustings/media/codec/hold-music-file.ts"),
  ]);
  writeFileSync(join(DIRECTORY, "hold.mp4"), holdMusicFile(await loadOpus()));
  compressTexts();
  writeFileSync(STAMP, stamp);
  return { built: true, directory: DIRECTORY };
}

/** Compresses at the highest quality: a second at each build instead of at each start. */
function compressTexts(): void {
  for (const name of readdirSync(DIRECTORY, { recursive: true, encoding: "utf8" })) {
    if (!TEXTS.test(name)) continue;
    const bytes = readFileSync(join(DIRECTORY, name));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    writeFileSync(join(DIRECTORY, `${name}.br`), brotliCompressSync(bytes, { params }));
  }
}

function stampOfSources(): string {
  const hash = createHash("sha256");
  for (const path of SOURCES.flatMap((source) => filesBelow(join(ROOT, source)))) {
    hash.update(relative(ROOT, path).split(sep).join("/")).update("\0").update(readFileSync(path)).update("\0");
  }
  return hash.digest("hex");
}

function filesBelow(path: string): string[] {
  if (!existsSync(path)) return [];
  if (path.endsWith(".json") && !path.endsWith("package.json")) return [path];
  const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const child = join(path, entry.name);
    if (entry.name === "node_modules" || entry.name === "dist" || entry.name === "voices") return [];
    if (entry.isDirectory()) return filesBelow(child);
    return entry.name.endsWith(".test.ts") || entry.name.endsWith(".md") ? [] : [child];
  });
}

if (import.meta.main) await ensureBuilt();
