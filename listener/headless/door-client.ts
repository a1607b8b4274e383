// Owns the few HTTP requests that the command line makes. Refuses to keep anything between them.

import { refusalFromBody } from "@hustings/wire/errors.ts";

const REQUEST_DEADLINE_MS = 10_000;

/** Sends JSON and gives back what came, checked for refusals alone. Throws Refusal, or Error when there is no answer. */
export async function askDoor<Answer>(
  method: "GET" | "POST",
  url: string,
  body?: unknown,
  ticket?: string,
): Promise<Answer> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (ticket !== undefined) headers["authorization"] = `Bearer ${ticket}`;
  const init: RequestInit = { method, headers, signal: AbortSignal.timeout(REQUEST_DEADLINE_MS) };
  if (body !== undefined) init.body = JSON.stringify(body);
  const response = await fetch(url, init);
  const text = await response.text();
  if (response.ok) return (text === "" ? undefined : JSON.parse(text)) as Answer;
  throw refusalFromBody(text) ?? new Error(`${method} ${new URL(url).pathname} was answered with ${response.status}.`);
}
