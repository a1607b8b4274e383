// Sends the page's requests to the server and turns every failure into a Refusal.

import { type ErrorCode, Refusal, refusalFromBody } from "@hustings/wire/errors.ts";

const REQUEST_DEADLINE_MS = 10_000;

export interface RequestOptions {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly body?: unknown;
  readonly ticket?: string;
}

/** Throws Refusal for every failure; no answer is "stage-away". */
export async function requestJson<Answer>(
  url: string,
  { method = "GET", body, ticket }: RequestOptions = {},
): Promise<Answer> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (ticket !== undefined) headers["authorization"] = `Bearer ${ticket}`;
  const init: RequestInit = { method, headers, signal: AbortSignal.timeout(REQUEST_DEADLINE_MS) };
  if (body !== undefined) init.body = JSON.stringify(body);
  const response = await fetch(url, init).catch((cause: unknown) => {
    throw new Refusal("stage-away", undefined, { cause });
  });
  const text = await response.text().catch(() => "");
  if (response.ok) return (text === "" ? undefined : JSON.parse(text)) as Answer;
  throw refusalFromBody(text) ?? new Refusal("internal", `HTTP ${response.status}`);
}

export function codeOf(error: unknown): ErrorCode {
  return error instanceof Refusal ? error.code : "internal";
}
