// One HTTP request over a Unix socket, bounded in time and in the size of its answer.

import { type Agent, request } from "node:http";

export interface UnixRequest {
  readonly socketPath: string;
  readonly path: string;
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly body?: unknown;
  /** Absent: no limit. */
  readonly deadlineMs?: number;
  /** A longer answer fails. */
  readonly maxAnswerBytes?: number;
  /** Bounds connections; absent: one connection, closed afterwards. */
  readonly agent?: Agent;
}

export interface UnixAnswer {
  readonly status: number;
  readonly text: string;
}

const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Resolves for any status. Rejects at the limits, and with the socket's error (`ENOENT`, `ECONNREFUSED`: nobody
 * listens).
 */
export async function unixRequest(options: UnixRequest): Promise<UnixAnswer> {
  const { socketPath, path, method = "GET", body, deadlineMs, agent = false } = options;
  const { maxAnswerBytes = MAX_ANSWER_BYTES } = options;
  const json = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const headers: Record<string, string> = { host: "localhost" };
  if (json !== undefined) {
    headers["content-type"] = "application/json";
    headers["content-length"] = String(json.length);
  }
  const signal = deadlineMs === undefined ? {} : { signal: AbortSignal.timeout(deadlineMs) };
  const { promise, resolve, reject } = Promise.withResolvers<UnixAnswer>();
  const sent = request({ socketPath, path, method, headers, agent, ...signal }, (response) => {
    const parts: Buffer[] = [];
    let sizeBytes = 0;
    response.on("data", (part: Buffer) => {
      sizeBytes += part.length;
      if (sizeBytes <= maxAnswerBytes) return void parts.push(part);
      reject(new Error(`the answer has more than ${maxAnswerBytes} bytes`));
      sent.destroy();
    });
    response.on("error", reject);
    response.on("end", () =>
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString("utf8") }),
    );
  });
  sent.on("error", reject);
  sent.end(json);
  return promise;
}
