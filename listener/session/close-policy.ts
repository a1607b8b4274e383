// Owns what a listener makes of a close: the error behind the code, what is done next, and when at the earliest. Pure.
// Refuses to do it. SPEC.md L2, L4 to L6, L13.

import { ERROR_TABLE, type ErrorCode } from "@hustings/wire/errors.ts";

/** Comes again where it stands, anew without a place, at once as a place is free elsewhere; never; or it is over. */
export type CloseAction = "resume" | "restart" | "reconnect-now" | "give-up" | "over";

const BY_CODE = new Map<number, ErrorCode>(
  Object.entries(ERROR_TABLE).flatMap(([code, row]) =>
    "closeCode" in row ? [[row.closeCode, code as ErrorCode]] : [],
  ),
);
const AFTER: Partial<Record<ErrorCode, CloseAction>> = {
  ended: "over",
  "place-elsewhere": "reconnect-now",
  "no-space": "give-up",
  "bad-request": "give-up",
  "bad-frame": "give-up",
  "too-large": "give-up",
  "bad-cursor": "restart",
  gone: "restart",
};
const MAX_HINT_MS = 600_000;

/** The row of the error table; `undefined` for a code that is none of an edge's: the network did it. */
export function errorOfCloseCode(closeCode: number): ErrorCode | undefined {
  return BY_CODE.get(closeCode);
}

export function actionAfterClose(error: ErrorCode | undefined): CloseAction {
  return (error && AFTER[error]) ?? "resume";
}

/** A close reason may end in `retry-after-ms=N`; more than ten minutes counts as ten. */
export function retryHintMs(reason: string): number {
  const hint = /retry-after-ms=(\d{1,9})/.exec(reason);
  return Math.min(Number(hint?.[1] ?? 0), MAX_HINT_MS);
}
