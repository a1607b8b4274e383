// JSON requests to the door, for the command line and the drill.

import { refusalFromBody } from "@hustings/wire/errors.ts";

const REQUEST_DEADLINE_MS = 10_000;

/** Unchecked JSON. Throws the door's Refusal, or another Error for an unexpected status or no response. */
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
  throw refusalFromBody(text) ?? new Error(`${method} ${new URL(url).pathname} returned ${response.status}.`);
}
