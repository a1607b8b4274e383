// Owns the page's requests to the door, and refusals told in words. Refuses to keep tickets.

import { Refusal, refusalFromBody } from "@hustings/wire/errors.ts";

const REQUEST_DEADLINE_MS = 10_000;

export interface Asked {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly body?: unknown;
  readonly ticket?: string;
}

/** JSON there and back. Throws Refusal for every refusal, also for "no answer", which is "stage-away". */
export async function requestJson<Answer>(url: string, { method = "GET", body, ticket }: Asked = {}): Promise<Answer> {
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
  throw refusalFromBody(text) ?? new Refusal("internal", `The server answered with ${response.status}.`);
}
