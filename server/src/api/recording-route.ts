// The route of recordings: one byte range at a time, as players and `curl -C` ask (RFC 9110 §14).

import { Readable } from "node:stream";
import { Refusal } from "@hustings/wire/errors.ts";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import type { ApiContext, ApiServer, Recording } from "./api-context.ts";
import * as shapes from "./schemas.ts";
import { spaceOf } from "./spaces.ts";

export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

const binary = Type.String({ format: "binary", description: "An MP4 file with Opus sound." });

export function recordingRoutes(app: ApiServer, { openRecording }: ApiContext): void {
  const content = { "video/mp4": { schema: binary } };
  const schema = {
    summary: "The recording of everything on air so far, also while the space is live",
    tags: ["spaces"],
    params: shapes.spacePath,
    response: {
      200: { description: "The whole recording.", content },
      206: { description: "The requested range.", content },
      304: { description: "It has not changed.", type: "null" },
      416: { description: "There is no such range; Content-Range has the size.", type: "null" },
      ...shapes.refusals("no-space", "no-recording"),
    },
  };
  const url = "/api/spaces/:id/recording.mp4";
  app.route({ method: ["GET", "HEAD"], url, schema, serializerCompiler: () => String, handler });

  async function handler({ params, method, headers }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const recording = await openRecording(spaceOf((params as { id: string }).id));
    if (recording === undefined) throw new Refusal("no-recording");
    const answer = rangeAnswer(recording, headers);
    reply.status(answer.status).headers(answer.headers);
    if (answer.range === undefined || method === "HEAD") return reply.send();
    return reply.send(Readable.from(recording.read(answer.range.from, answer.range.to), { objectMode: false }));
  }
}

interface RangeAnswer {
  readonly status: 200 | 206 | 304 | 416;
  readonly headers: Record<string, string>;
  readonly range?: ByteRange;
}

type Conditions = {
  readonly range?: string | undefined;
  readonly "if-range"?: string | undefined;
  readonly "if-none-match"?: string | undefined;
};

/** Several ranges, or units other than bytes, get the whole recording. */
export function rangeAnswer({ title, sizeBytes, etag }: Omit<Recording, "read">, conditions: Conditions): RangeAnswer {
  const lasting = { etag, "cache-control": "no-cache", "accept-ranges": "bytes" };
  if (conditions["if-none-match"]?.split(",").some((one) => one.trim().replace(/^W\//, "") === etag))
    return { status: 304, headers: lasting };
  const headers = { ...lasting, "content-type": "video/mp4", "content-disposition": dispositionOf(title) };
  const ifRange = conditions["if-range"];
  const wanted = ifRange === undefined || ifRange === etag ? parseRange(conditions.range, sizeBytes) : undefined;
  if (wanted === "unsatisfiable")
    return { status: 416, headers: { ...lasting, "content-range": `bytes */${sizeBytes}` } };
  if (wanted === undefined) {
    const range = { from: 0, to: sizeBytes };
    return { status: 200, headers: { ...headers, "content-length": String(sizeBytes) }, range };
  }
  const { from, to } = wanted;
  const partial = { "content-range": `bytes ${from}-${to - 1}/${sizeBytes}`, "content-length": String(to - from) };
  return { status: 206, headers: { ...headers, ...partial }, range: wanted };
}

/** `undefined`: ignore the header. */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | "unsatisfiable" | undefined {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header ?? "");
  const [, first = "", last = ""] = match ?? [];
  if (match === null || (first === "" && last === "")) return undefined;
  if (first === "") {
    const from = Math.max(0, sizeBytes - Number(last));
    return Number(last) === 0 || sizeBytes === 0 ? "unsatisfiable" : { from, to: sizeBytes };
  }
  const from = Number(first);
  const to = last === "" ? sizeBytes : Math.min(sizeBytes, Number(last) + 1);
  if (last !== "" && Number(last) < from) return undefined;
  return from >= sizeBytes ? "unsatisfiable" : { from, to };
}

// RFC 6266: a plain name for old clients, and the full one.
function dispositionOf(title: string): string {
  const name = `${title.replace(/[/\\]/g, "-").slice(0, 120)}.mp4`;
  const plain = name.replace(/[^\w .()-]/g, "_");
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `inline; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
