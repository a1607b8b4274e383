// One HTTP GET, limited in bytes and time, without retries.

import type { Clock } from "@hustings/flow/clock.ts";

export interface HttpResponse {
  readonly status: number;
  readonly bytes: Uint8Array;
  readonly retryAfterMs: number | undefined;
}

/** Rejects if there is no response, it is longer than `maxBytes`, or `signal` aborts. */
export type HttpGet = (
  url: string,
  maxBytes: number,
  signal: AbortSignal,
  headers?: Readonly<Record<string, string>>,
) => Promise<HttpResponse>;

/** `later`: 429 or 503 with Retry-After. `gone`: 404 or 410. `failed`: anything else. */
export type GetOutcome =
  | { readonly kind: "got"; readonly bytes: Uint8Array }
  | { readonly kind: "later"; readonly afterMs: number }
  | { readonly kind: "gone" }
  | { readonly kind: "failed" };

export interface GetRequest {
  readonly url: string;
  readonly maxBytes: number;
  readonly deadlineMs: number;
}

const MAX_LATER_MS = 600_000;

/** Never rejects. `failed` if `signal` aborts or the deadline passes. */
export async function getOnce(
  get: HttpGet,
  clock: Clock,
  question: GetRequest,
  signal: AbortSignal,
): Promise<GetOutcome> {
  const { url, maxBytes, deadlineMs } = question;
  const given = new AbortController();
  const giveUp = (): void => given.abort();
  const timer = clock.after(deadlineMs, giveUp);
  signal.addEventListener("abort", giveUp);
  const late = new Promise<GetOutcome>((resolve) => {
    given.signal.addEventListener("abort", () => resolve({ kind: "failed" }));
  });
  try {
    if (signal.aborted) return { kind: "failed" };
    return await Promise.race([late, get(url, maxBytes, given.signal).then(answerOf)]);
  } catch {
    return { kind: "failed" };
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", giveUp);
  }
}

function answerOf({ status, bytes, retryAfterMs }: HttpResponse): GetOutcome {
  if (status === 200) return { kind: "got", bytes };
  if (status === 404 || status === 410) return { kind: "gone" };
  if ((status === 429 || status === 503) && retryAfterMs !== undefined)
    return { kind: "later", afterMs: Math.min(MAX_LATER_MS, retryAfterMs) };
  return { kind: "failed" };
}

/** Sends no cookies: the origin may be a third party's CDN. */
export const fetchGet: HttpGet = async (url, maxBytes, signal, headers = {}) => {
  const response = await fetch(url, { signal, credentials: "omit", headers });
  const { status } = response;
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  const bytes = status === 200 ? await readAtMost(response, maxBytes) : new Uint8Array(0);
  if (status !== 200) void response.body?.cancel().catch(() => undefined);
  return { status, bytes, retryAfterMs: seconds >= 0 ? seconds * 1_000 : undefined };
};

async function readAtMost(response: Response, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const { value, done } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done || value === undefined) break;
    parts.push(value);
    length += value.length;
    if (length <= maxBytes) continue;
    await reader?.cancel();
    throw new Error(`The response of ${response.url} is longer than ${maxBytes} bytes.`);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
