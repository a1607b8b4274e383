// Owns saying a refusal in words: what happened, and what to do. Refuses to know who asked for what.

import { ERROR_TABLE, type ErrorCode, Refusal } from "@hustings/wire/errors.ts";

/** In the table's words. */
export function refusalSentence(code: ErrorCode): string {
  const { what, todo } = ERROR_TABLE[code];
  return `${what} ${todo}`;
}

/** Of anything thrown by asking: the server's own words where it named the wrong value. */
export function wrongOf(error: unknown): string {
  if (!(error instanceof Refusal)) return refusalSentence("internal");
  const { what, todo } = ERROR_TABLE[error.code];
  return `${error.message || what} ${todo}`;
}
