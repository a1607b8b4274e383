// Weighs the built app from the link to the first sound, compressed as the server does it.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const DIRECTORY = join(import.meta.dirname, "../dist");
const DOCUMENT_BROTLI_LEVEL = 4;
/** From the link to the first sound, compressed with brotli. */
export const WEIGHT_BUDGET_BYTES = 60_000;

export interface Weight {
  readonly items: readonly { readonly path: string; readonly bytes: number; readonly brotliBytes: number }[];
  readonly totalBrotliBytes: number;
}

/** Throws if there is no build. */
export function weighListenersPath(directory = DIRECTORY): Weight {
  const html = readFileSync(join(directory, "index.html"), "utf8");
  const linked = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((match) => match[1] as string);
  return weigh(directory, ["index.html", ...new Set(linked)]);
}

export function weighEverything(directory = DIRECTORY): Weight {
  const assets = readdirSync(join(directory, "assets"))
    .filter((name) => !name.endsWith(".br"))
    .map((name) => `assets/${name}`);
  return weigh(directory, ["index.html", ...assets]);
}

function weigh(directory: string, paths: readonly string[]): Weight {
  const items = paths.map((path) => {
    const bytes = readFileSync(join(directory, path));
    return { path, bytes: bytes.length, brotliBytes: brotliBytesOf(directory, path, bytes) };
  });
  return { items, totalBrotliBytes: items.reduce((sum, { brotliBytes }) => sum + brotliBytes, 0) };
}

/** The server compresses the document quickly, for each space; the build has compressed the other files. */
function brotliBytesOf(directory: string, path: string, bytes: Buffer): number {
  if (path.endsWith(".woff2")) return bytes.length;
  if (path !== "index.html") return readFileSync(join(directory, `${path}.br`)).length;
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: DOCUMENT_BROTLI_LEVEL } }).length;
}

if (import.meta.main) {
  const { items, totalBrotliBytes } = weighListenersPath();
  for (const { path, brotliBytes } of items) process.stdout.write(`${String(brotliBytes).padStart(7)}  ${path}\n`);
  process.stdout.write(`${String(totalBrotliBytes).padStart(7)}  from the link to the first sound\n`);
}
