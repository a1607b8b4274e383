// The route of recordings: one byte range at a time, as players and `curl -C` ask (RFC 9110 §14).

import { Readable } from "node:stream";
import { Refusal } from "@hustings/wire/errors.ts";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import type { ApiContext, ApiServer, Recording, RecordingKind } from "./api-context.ts";
import * as shapes from "./schemas.ts";
import { spaceOf } from "./spaces.ts";

export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

const KINDS: Readonly<Record<RecordingKind, { readonly mediaType: string; readonly what: string }>> = {
  mp4: { mediaType: "video/mp4", what: "An MP4 file with Opus sound." },
  ogg: { mediaType: "audio/ogg", what: "An Ogg file with Opus sound, the same samples as in the MP4 file." },
};

export function recordingRoutes(app: ApiServer, { openRecording }: ApiContext): void {
  for (const kind of Object.keys(KINDS) as RecordingKind[]) {
    const { mediaType, what } = KINDS[kind];
    const content = { [mediaType]: { schema: Type.String({ format: "binary", description: what }) } };
    const schema = {
      summary: `The recording of everything on air so far, also while the space is live, as .${kind}`,
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
    const url = `/api/spaces/:id/recording.${kind}`;
    const handler = async ({ params, method, headers }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const recording = await openRecording(spaceOf((params as { id: string }).id), kind);
      if (recording === undefined) throw new Refusal("no-recording");
      const answer = rangeAnswer(recording, kind, headers);
      reply.status(answer.status).headers(answer.headers);
      if (answer.range === undefined || method === "HEAD") return reply.send();
      return reply.send(Readable.from(recording.read(answer.range.from, answer.range.to), { objectMode: false }));
    };
    app.route({ method: ["GET", "HEAD"], url, schema, serializerCompiler: () => String, handler });
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
export function rangeAnswer(
  { title, sizeBytes, etag }: Omit<Recording, "read">,
  kind: RecordingKind,
  conditions: Conditions,
): RangeAnswer {
  const lasting = { etag, "cache-control": "no-cache", "accept-ranges": "bytes" };
  if (conditions["if-none-match"]?.split(",").some((one) => one.trim().replace(/^W\//, "") === etag))
    return { status: 304, headers: lasting };
  const headers = {
    ...lasting,
    "content-type": KINDS[kind].mediaType,
    "content-disposition": dispositionOf(title, kind),
  };
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
function dispositionOf(title: string, kind: RecordingKind): string {
  const name = `${title
    .replace(/[/\\:*?"<>|]/g, "-")
    .replace(/^\.+/, "")
    .slice(0, 120)}.${kind}`;
  const plain = name.replace(/[^\w .()-]/g, "_");
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `inline; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
