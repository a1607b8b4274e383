// One HTTP request over a Unix socket, bounded in time and in the size of its answer.

import { type Agent, request } from "node:http";

export interface UnixRequest {
  readonly socketPath: string;
  readonly path: string;
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** Sent as JSON. */
  readonly body?: unknown;
  /** The whole exchange fails after this long; absent: it may take as long as the other side likes. */
  readonly deadlineMs?: number;
  /** The exchange fails when the answer's body is longer. */
  readonly maxAnswerBytes?: number;
  /** Bounds connections; absent: a connection of its own, closed afterwards. */
  readonly agent?: Agent;
}

export interface UnixAnswer {
  readonly status: number;
  readonly text: string;
}

const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Resolves with the answer, whatever its status. Rejects with the error of the socket (`ENOENT`, `ECONNREFUSED`: nobody
 * listens there), or with an Error when the deadline or the size is exceeded.
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
