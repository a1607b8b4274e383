// Serves the web app from memory: files are read at start, and compressed if the build has not.

import { createHash } from "node:crypto";
import { type Dirent, promises as files } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { extname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import { type Headers, type PreparedResponse, prepareResponse } from "../../http/responses.ts";

export interface Assets {
  /** `undefined`: the app is not built. */
  readonly index: string | undefined;
  file(path: string): Buffer | undefined;
  /** `undefined`: no such file. */
  respond(path: string, requestHeaders: IncomingHttpHeaders): PreparedResponse | undefined;
}

interface Asset {
  readonly bytes: Buffer;
  readonly brotli: Buffer | undefined;
  readonly headers: Headers;
  readonly tag: string;
}

interface View {
  readonly status: number;
  readonly body: Buffer | string;
  readonly headers: Headers;
}

export const MAX_ASSETS = 1_000;
export const MAX_ASSETS_BYTES = 64 * 1024 * 1024;
const compress = promisify(brotliCompress);

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".mp4": "audio/mp4",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
};
const BROTLI_EXTENSION = ".br";
const COMPRESSED = new Set([".css", ".js", ".json", ".svg", ".txt", ".webmanifest"]);

/** A missing directory means that the app is not built. Throws RangeError above MAX_ASSETS or MAX_ASSETS_BYTES. */
export async function loadAssets(directory: string): Promise<Assets> {
  const assets = new Map<string, Asset>();
  let index: string | undefined;
  let totalBytes = 0;
  const paths = new Set(await pathsBelow(directory));
  for (const path of paths) {
    if (path.endsWith(BROTLI_EXTENSION)) continue;
    const bytes = await files.readFile(path);
    totalBytes += bytes.length;
    const name = `/${relative(directory, path).split(sep).join("/")}`;
    if (assets.size >= MAX_ASSETS || totalBytes > MAX_ASSETS_BYTES)
      throw new RangeError(
        `the web app in ${directory} has more than ${MAX_ASSETS} files or ${MAX_ASSETS_BYTES} bytes`,
      );
    if (name === "/index.html") index = bytes.toString();
    else if (extname(name) in TYPES) {
      const brotliFile = paths.has(path + BROTLI_EXTENSION) ? await files.readFile(path + BROTLI_EXTENSION) : undefined;
      assets.set(name, await prepare(name, bytes, brotliFile));
    }
  }
  return {
    index,
    file: (path) => assets.get(path)?.bytes,
    respond(path, requestHeaders) {
      const asset = assets.get(path);
      return asset && assetResponse(asset, requestHeaders);
    },
  };
}

async function pathsBelow(directory: string): Promise<string[]> {
  let found: Dirent[];
  try {
    found = await files.readdir(directory, { recursive: true, withFileTypes: true });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw cause;
  }
  return found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
}

async function prepare(name: string, bytes: Buffer, brotliFile: Buffer | undefined): Promise<Asset> {
  const extension = extname(name);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  const brotli = COMPRESSED.has(extension) ? (brotliFile ?? (await compress(bytes, { params }))) : undefined;
  const isHashed = /^\/assets\/.+-[\w-]{8,}\.\w+$/.test(name);
  return {
    bytes,
    brotli: brotli && brotli.length < bytes.length ? brotli : undefined,
    tag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 16)}"`,
    headers: {
      "content-type": TYPES[extension] as string,
      "cache-control": isHashed ? "public, max-age=31536000, immutable" : "public, max-age=3600",
    },
  };
}

function assetResponse(asset: Asset, requestHeaders: IncomingHttpHeaders): PreparedResponse {
  const { status, body, headers } = viewOf(asset, requestHeaders);
  return prepareResponse(status, body, { ...asset.headers, etag: asset.tag, vary: "accept-encoding", ...headers });
}

function viewOf({ bytes, brotli, tag }: Asset, requestHeaders: IncomingHttpHeaders): View {
  const { length } = bytes;
  if (requestHeaders["if-none-match"] === tag) return { status: 304, body: "", headers: {} };
  const range = rangeOf(requestHeaders.range, length);
  if (range === "unsatisfiable") return { status: 416, body: "", headers: { "content-range": `bytes */${length}` } };
  if (range) {
    const headers = { "accept-ranges": "bytes", "content-range": `bytes ${range.from}-${range.to - 1}/${length}` };
    return { status: 206, body: bytes.subarray(range.from, range.to), headers };
  }
  if (brotli && /\bbr\b/.test(String(requestHeaders["accept-encoding"] ?? "")))
    return { status: 200, body: brotli, headers: { "content-encoding": "br" } };
  return { status: 200, body: bytes, headers: { "accept-ranges": "bytes" } };
}

/** RFC 9110 §14.1.2; several or unreadable ranges get the whole file. */
function rangeOf(
  text: string | undefined,
  length: number,
): { readonly from: number; readonly to: number } | "unsatisfiable" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(text ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const from = first === "" ? Math.max(0, length - Number(last)) : Number(first);
  const to = first === "" || last === "" ? length : Math.min(length, Number(last) + 1);
  return from < to ? { from, to } : "unsatisfiable";
}
