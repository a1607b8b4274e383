// Owns the page's requests to the door, and refusals told in words. Refuses to keep tickets.

import { type ErrorBody, isErrorCode, Refusal } from "@hustings/wire/errors.ts";

const REQUEST_DEADLINE_MS = 10_000;

export interface Asked {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly body?: unknown;
  readonly ticket?: string;
}

/** JSON there and back. Throws Refusal for every refusal, also for "no answer", which is "stage-away". */
export async function ask<Answer>(url: string, { method = "GET", body, ticket }: Asked = {}): Promise<Answer> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (ticket !== undefined) headers["authorization"] = `Bearer ${ticket}`;
  const init: RequestInit = { method, headers, signal: AbortSignal.timeout(REQUEST_DEADLINE_MS) };
  if (body !== undefined) init.body = JSON.stringify(body);
  const response = await fetch(url, init).catch((cause: unknown) => {
    throw new Refusal("stage-away", "The server does not answer just now.", { cause });
  });
  const text = await response.text().catch(() => "");
  if (response.ok) return (text === "" ? undefined : JSON.parse(text)) as Answer;
  throw refusalOf(text, response.status);
}

/** The refusal in a response's body; "internal" when there is none that we know. */
export function refusalOf(text: string, status: number): Refusal {
  try {
    const { error, message, retryAfterMs } = JSON.parse(text) as ErrorBody;
    if (isErrorCode(error)) return new Refusal(error, message, retryAfterMs === undefined ? {} : { retryAfterMs });
  } catch {
    // Not ours: a proxy's own page, for one.
  }
  return new Refusal("internal", `The server answered with ${status}.`);
}
