// Owns every error that a peer can see: its code, its status, what happened and what to do. Refuses to know who throws.
// docs/errors.md is made from this table.

interface ErrorRow {
  /** HTTP status where the error answers a request; also tells retryable (429, 503) from final. */
  readonly status: number;
  /** WebSocket close code where the error closes a listener's socket; absent where it never does. */
  readonly closeCode?: number;
  readonly what: string;
  readonly todo: string;
}

export const ERROR_TABLE = {
  "bad-request": {
    status: 400,
    closeCode: 4400,
    what: "The request is malformed.",
    todo: "Mend what the message names; do not repeat it as it is.",
  },
  "bad-json": {
    status: 400,
    what: "The body is not valid JSON of the expected shape.",
    todo: "See the API description.",
  },
  "bad-sdp": {
    status: 400,
    what: "The offer cannot be used.",
    todo: "Offer one Opus audio section with ICE credentials and a fingerprint.",
  },
  "bad-cursor": {
    status: 400,
    closeCode: 4401,
    what: "The place to resume from is not one of this space.",
    todo: "Connect without a cursor.",
  },
  "bad-frame": {
    status: 400,
    closeCode: 4402,
    what: "A message broke the protocol.",
    todo: "Speak subprotocol hustings.1.",
  },
  "bad-name": {
    status: 400,
    what: "The name is empty, too long, or has characters that cannot be shown.",
    todo: "Give 1 to 60 plain characters.",
  },
  "bad-title": {
    status: 400,
    what: "The title is empty, too long, or has characters that cannot be shown.",
    todo: "Give 1 to 120 plain characters.",
  },
  "no-ticket": {
    status: 401,
    what: "This needs a ticket.",
    todo: "Send Authorization: Bearer with a ticket for this space.",
  },
  "ticket-invalid": { status: 401, what: "The ticket is not one that this server signed.", todo: "Get a new ticket." },
  "ticket-expired": {
    status: 401,
    what: "The ticket has expired.",
    todo: "Get a new ticket; tickets last ten minutes.",
  },
  "ticket-revoked": {
    status: 401,
    what: "The host link behind this ticket was replaced.",
    todo: "Use the newest host link.",
  },
  "wrong-space": { status: 403, what: "The ticket is for another space.", todo: "Use the ticket of this space." },
  "host-only": { status: 403, what: "Only the host can do this.", todo: "Ask the host." },
  "self-only": {
    status: 403,
    what: "Only the person in the seat can do this.",
    todo: "Ask them to unmute themselves.",
  },
  "not-invited": {
    status: 403,
    what: "There is no seat on the stage for this person.",
    todo: "Ask to speak and wait for an invitation.",
  },
  "not-seated": { status: 403, what: "This needs a seat on the stage.", todo: "Take a seat first." },
  removed: { status: 403, what: "The host removed this person from the stage.", todo: "Listen, or ask the host." },
  "no-space": { status: 404, closeCode: 4404, what: "There is no space at this address.", todo: "Check the link." },
  "no-page": { status: 404, what: "There is nothing at this address.", todo: "Start from the home page." },
  "no-person": {
    status: 404,
    what: "This person has no raised hand, invitation or seat here.",
    todo: "Look at the current state.",
  },
  "no-object": {
    status: 404,
    what: "There is no such part, segment or playlist here, or not any more.",
    todo: "Load the playlist again.",
  },
  "no-recording": {
    status: 404,
    what: "Nothing has been recorded here yet.",
    todo: "Come back after the space went live.",
  },
  "not-allowed": {
    status: 405,
    what: "This method is not supported here.",
    todo: "To change networks, POST a new offer for the same seat.",
  },
  ended: { status: 410, closeCode: 4410, what: "The space has ended.", todo: "The recording is at the same link." },
  gone: {
    status: 410,
    closeCode: 4411,
    what: "The place to resume from is older than what is kept.",
    todo: "Connect without a cursor; nothing newer is lost.",
  },
  conflict: {
    status: 409,
    what: "The space is not in a state where this can be done.",
    todo: "Look at the current state.",
  },
  "stage-full": {
    status: 409,
    what: "Every seat on the stage is taken.",
    todo: "Wait until somebody leaves the stage.",
  },
  "too-large": {
    status: 413,
    closeCode: 4413,
    what: "The message or body is larger than allowed.",
    todo: "Send less.",
  },
  "bad-offer-type": {
    status: 415,
    what: "The offer is not application/sdp.",
    todo: "POST the SDP with Content-Type: application/sdp.",
  },
  "too-many": {
    status: 429,
    closeCode: 4429,
    what: "Too many requests from this address.",
    todo: "Wait as long as Retry-After says.",
  },
  "address-full": {
    status: 429,
    closeCode: 4430,
    what: "As many listen from this address as may at once.",
    todo: "Try again when Retry-After says, or ask the operator for --listeners-per-address.",
  },
  "too-slow": {
    status: 408,
    closeCode: 4408,
    what: "The listener took too little too late.",
    todo: "Reconnect from the place that was given.",
  },
  internal: {
    status: 500,
    closeCode: 4500,
    what: "The server failed at this.",
    todo: "Try again; the operator has the details.",
  },
  "stage-away": {
    status: 503,
    closeCode: 4503,
    what: "The stage of this space does not answer just now.",
    todo: "Try again by the same link; it comes back by itself.",
  },
  "not-yet": {
    status: 503,
    what: "The sound that this waited for has not come.",
    todo: "Ask again when Retry-After says.",
  },
  "cannot-store": {
    status: 503,
    what: "The stage cannot write just now; sound goes on, but this was not carried out.",
    todo: "Tell the operator to look at the storage, then try again.",
  },
  "api-away": {
    status: 503,
    what: "Making spaces and handing out tickets does not work just now; what is live goes on.",
    todo: "Try again when Retry-After says.",
  },
  draining: {
    status: 503,
    closeCode: 4505,
    what: "This server is handing its listeners over.",
    todo: "Reconnect by the same link.",
  },
  full: {
    status: 503,
    closeCode: 4506,
    what: "Every place is taken just now.",
    todo: "Try again when Retry-After says.",
  },
  "place-elsewhere": {
    status: 503,
    closeCode: 4507,
    what: "A place is free at another process of this server.",
    todo: "Reconnect at once by the same link, with since.",
  },
  "too-many-spaces": {
    status: 503,
    what: "This server holds as many spaces as it may.",
    todo: "Try again later, or ask the operator.",
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERROR_TABLE;

/** The row of `code`. */
export function errorRow(code: ErrorCode): ErrorRow {
  return ERROR_TABLE[code];
}

/** Whether `text` is a code of the table. */
export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === "string" && Object.hasOwn(ERROR_TABLE, text);
}

/** The body of every error answer: `error` is a code of the table, `message` names the value that was wrong. */
export interface ErrorBody {
  readonly error: ErrorCode;
  readonly message: string;
  readonly todo: string;
  /** Milliseconds to wait before trying again; only where waiting helps. */
  readonly retryAfterMs?: number;
}

/** An error that a peer may see. `message` names the value that was wrong; `cause` stays on this side. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message?: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message ?? ERROR_TABLE[code].what, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }

  get status(): number {
    return ERROR_TABLE[this.code].status;
  }

  /** What goes to the peer. */
  body(): ErrorBody {
    const body = { error: this.code, message: this.message, todo: ERROR_TABLE[this.code].todo };
    return this.retryAfterMs === undefined ? body : { ...body, retryAfterMs: this.retryAfterMs };
  }
}

/**
 * The refusal in the body of an error answer: JSON text, or the value that was parsed from it. `undefined` when it is
 * not a body of this table, such as a proxy's own error page. Never throws.
 */
export function refusalFromBody(body: unknown): Refusal | undefined {
  const { error, message, retryAfterMs } = (typeof body === "string" ? parsed(body) : (body ?? {})) as Record<
    string,
    unknown
  >;
  if (!isErrorCode(error)) return undefined;
  const options = typeof retryAfterMs === "number" ? { retryAfterMs } : {};
  return new Refusal(error, typeof message === "string" ? message : undefined, options);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
