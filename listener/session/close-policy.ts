// Decides whether and when a listener reconnects after a close. SPEC.md L2, L4 to L6, L13.

import { ERROR_TABLE, type ErrorCode } from "@hustings/wire/errors.ts";

/** `resume`: with the cursor. `restart`: without it. `reconnect-now`: another edge has a place. `give-up`: final. */
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

/** `undefined`: the network broke the connection. */
export function errorOfCloseCode(closeCode: number): ErrorCode | undefined {
  return BY_CODE.get(closeCode);
}

export function actionAfterClose(error: ErrorCode | undefined): CloseAction {
  return (error && AFTER[error]) ?? "resume";
}

/** Reads `retry-after-ms=N`, at most ten minutes; 0: none. */
export function retryHintMs(reason: string): number {
  const hint = /retry-after-ms=(\d{1,9})/.exec(reason);
  return Math.min(Number(hint?.[1] ?? 0), MAX_HINT_MS);
}
