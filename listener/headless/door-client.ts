// JSON requests to the door, for the command line and the drill.

import { refusalFromBody } from "@hustings/wire/errors.ts";

const REQUEST_DEADLINE_MS = 10_000;

/**
 * The response's JSON, unchecked. Throws the door's Refusal, or another Error with a sentence for people when nothing answers
 * or the answer is not a door's.
 */
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
  const unanswered = (cause: unknown): never => {
    throw new Error(`No server answers at ${new URL(url).origin}: ${reasonOf(cause)}.`, { cause });
  };
  const response = await fetch(url, init).catch(unanswered);
  const text = await response.text().catch(unanswered);
  if (response.ok) return answerIn(text, url) as Answer;
  throw refusalFromBody(text) ?? new Error(`${method} ${url} returned ${response.status}.`);
}

function answerIn(text: string, url: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${url} did not answer with JSON. Is it a Hustings server?`, { cause });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was closed",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the name of the host cannot be looked up at present",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  UND_ERR_SOCKET: "the connection was closed",
  UND_ERR_CONNECT_TIMEOUT: `no answer within ${REQUEST_DEADLINE_MS / 1000} s`,
};

/** `fetch` throws a TypeError that says nothing; its cause has the reason. */
function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error;
  if (name === "TimeoutError") return REASONS["UND_ERR_CONNECT_TIMEOUT"] as string;
  const { code = "", message: reason = message } = (cause ?? {}) as {
    readonly code?: string;
    readonly message?: string;
  };
  return REASONS[code] ?? reason;
}
