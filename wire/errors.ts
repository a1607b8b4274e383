// Every error that a peer can see. docs/errors.md is generated from this table; web/text has the sentences for people.

interface ErrorRow {
  /** HTTP status. 429 and 503 mean that trying again later helps. */
  readonly status: number;
  /** Close code of a listener's WebSocket; absent: the error never closes one. */
  readonly closeCode?: number;
  readonly what: string;
  readonly todo: string;
}

export const ERROR_TABLE = {
  "bad-request": {
    status: 400,
    closeCode: 4400,
    what: "The request is malformed.",
    todo: "Correct what the message names; the same request would fail again.",
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
    what: "The cursor does not belong to this space.",
    todo: "Connect without a cursor.",
  },
  "bad-frame": {
    status: 400,
    closeCode: 4402,
    what: "A message does not follow the protocol.",
    todo: "Use subprotocol hustings.1.",
  },
  "bad-name": {
    status: 400,
    what: "The name is empty, too long, or contains characters that cannot be shown.",
    todo: "Give 1 to 60 plain characters.",
  },
  "bad-title": {
    status: 400,
    what: "The title is empty, too long, or contains characters that cannot be shown.",
    todo: "Give 1 to 120 plain characters.",
  },
  "no-ticket": {
    status: 401,
    what: "This request needs a ticket.",
    todo: "Send Authorization: Bearer with a ticket for this space.",
  },
  "ticket-invalid": { status: 401, what: "This server did not sign the ticket.", todo: "Get a new ticket." },
  "ticket-expired": {
    status: 401,
    what: "The ticket has expired.",
    todo: "Get a new ticket; a ticket lasts ten minutes.",
  },
  "ticket-revoked": {
    status: 401,
    what: "The host link of this ticket was replaced.",
    todo: "Use the newest host link.",
  },
  "wrong-space": { status: 403, what: "The ticket is for another space.", todo: "Use the ticket of this space." },
  "host-only": { status: 403, what: "Only the host may do this.", todo: "Ask the host." },
  "self-only": {
    status: 403,
    what: "Only the person in the seat may do this.",
    todo: "Ask them to unmute themselves.",
  },
  "not-invited": {
    status: 403,
    what: "This person has no invitation to the stage.",
    todo: "Ask to speak and wait for an invitation.",
  },
  "not-seated": { status: 403, what: "This command needs a seat on the stage.", todo: "Take a seat first." },
  removed: { status: 403, what: "The host removed this person from the stage.", todo: "Listen, or ask the host." },
  "no-space": { status: 404, closeCode: 4404, what: "There is no space at this address.", todo: "Check the link." },
  "no-page": { status: 404, what: "There is nothing at this address.", todo: "Start from the home page." },
  "no-person": {
    status: 404,
    what: "This person has no raised hand, invitation or seat in this space.",
    todo: "Read the current state.",
  },
  "no-object": {
    status: 404,
    what: "This part, segment or playlist does not exist, or is no longer kept.",
    todo: "Load the playlist again.",
  },
  "no-recording": {
    status: 404,
    what: "Nothing of this space has been recorded yet.",
    todo: "Come back after the space has gone live.",
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
    what: "The cursor is older than what the server keeps.",
    todo: "Connect without a cursor; no newer sound is lost.",
  },
  conflict: {
    status: 409,
    what: "The state of the space does not allow this.",
    todo: "Read the current state.",
  },
  "hands-closed": {
    status: 409,
    what: "The host takes no raised hands at present.",
    todo: "Listen, and ask again when the host has opened the hands.",
  },
  "name-taken": {
    status: 409,
    what: "Somebody on the stage has this name, or one that looks the same.",
    todo: "Get a ticket under another name.",
  },
  "stage-full": {
    status: 409,
    what: "Every seat on the stage is taken.",
    todo: "Wait until somebody leaves the stage.",
  },
  "stage-busy": {
    status: 503,
    what: "The stage has as many voices as its processor can mix.",
    todo: "Try again later, or ask the operator for a larger machine.",
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
  "too-many-hands": {
    status: 429,
    what: "Too many hands are raised, or went up or down a moment ago.",
    todo: "Wait as long as Retry-After says, then raise the hand again.",
  },
  "address-full": {
    status: 429,
    closeCode: 4430,
    what: "This address has as many listeners as it may have at once.",
    todo: "Try again after Retry-After, or ask the operator to raise --listeners-per-address.",
  },
  "too-slow": {
    status: 408,
    closeCode: 4408,
    what: "The connection was too slow.",
    todo: "Reconnect with a cursor, or send the request again.",
  },
  internal: {
    status: 500,
    closeCode: 4500,
    what: "The server failed to do this.",
    todo: "Try again; the details are in the server's log.",
  },
  "stage-away": {
    status: 503,
    closeCode: 4503,
    what: "The stage of this space does not answer at present.",
    todo: "Try again with the same link; the stage restarts automatically.",
  },
  "not-yet": {
    status: 503,
    what: "The sound that this request waited for has not arrived.",
    todo: "Ask again after Retry-After.",
  },
  "cannot-store": {
    status: 503,
    what: "The stage cannot write to its storage at present; sound goes on, but this command was not carried out.",
    todo: "Ask the operator to check the storage, then try again.",
  },
  "api-away": {
    status: 503,
    what: "Creating spaces and issuing tickets does not work at present; live spaces go on.",
    todo: "Try again after Retry-After.",
  },
  draining: {
    status: 503,
    closeCode: 4505,
    what: "This server is shutting down and hands over its listeners.",
    todo: "Reconnect with the same link.",
  },
  full: {
    status: 503,
    closeCode: 4506,
    what: "Every place is taken at present.",
    todo: "Try again after Retry-After.",
  },
  "place-elsewhere": {
    status: 503,
    closeCode: 4507,
    what: "Another process of this server has a free place.",
    todo: "Reconnect at once with the same link and the newest claim (`p`).",
  },
  "opening-closed": {
    status: 403,
    what: "This server opens no spaces for visitors.",
    todo: "Ask the operator to open one.",
  },
  "too-many-spaces": {
    status: 503,
    what: "This server has as many spaces as it may have.",
    todo: "Try again later, or ask the operator.",
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERROR_TABLE;

export function errorRow(code: ErrorCode): ErrorRow {
  return ERROR_TABLE[code];
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === "string" && Object.hasOwn(ERROR_TABLE, text);
}

/** Body of an error answer. `message` names the value that was wrong. */
export interface ErrorBody {
  readonly error: ErrorCode;
  readonly message: string;
  readonly todo: string;
  /** Present only where waiting helps. */
  readonly retryAfterMs?: number;
}

/** An error that a peer may see. `message` names the wrong value; `cause` is never sent. */
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

  body(): ErrorBody {
    const body = { error: this.code, message: this.message, todo: ERROR_TABLE[this.code].todo };
    return this.retryAfterMs === undefined ? body : { ...body, retryAfterMs: this.retryAfterMs };
  }
}

/** `undefined`: `body` (text or parsed JSON) is no `ErrorBody`, for example a proxy's error page. Never throws. */
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
