// Signed claims: what an edge said about a listener's place, which every edge of the server believes. A listener without
// one is a newcomer. docs/decisions/0010-door.md.

import { hash, randomBytes, randomFillSync, timingSafeEqual } from "node:crypto";
import type { Clock } from "@hustings/flow/clock.ts";

export interface Claim {
  /** It is in the queue, or has a place. */
  readonly kind: "waiting" | "listening";
  /** Of the listener, over all its connections. */
  readonly id: string;
  /** Start of the wait, or when the place was confirmed last. */
  readonly utcMs: number;
}

export interface PlaceClaims {
  sign(space: string, claim: Claim): string;
  /** `undefined`: absent, forged, of another space, or too old. */
  read(space: string, text: string | undefined): Claim | undefined;
  newId(): string;
}

/** The rights that a connecting listener has by its claim, and the claim that it gets while it waits. */
export interface ClaimedPlace {
  readonly id: string;
  readonly isReturning: boolean;
  readonly hasWaited: boolean;
  readonly sinceUtcMs: number;
  readonly claim: string;
}

const SECRET_BYTES = 32;
const ID_BYTES = 9;
const IDS_AT_ONCE = 256;
const MAC_BYTES = 12;
/** Of SHA-256. */
const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
const KINDS = { w: "waiting", l: "listening" } as const;
/** `waiting`: as long as a wait is believed. `listening`: an evening without a reconnect, and the night. */
const VALID_MS = { waiting: 6 * 3_600_000, listening: 24 * 3_600_000 };
/** Edges on other machines may have clocks that are ahead. */
const AHEAD_MS = 60_000;

/** `secret` is shared by the edges of a server; absent: one of this process. */
export function createPlaceClaims(clock: Clock, secret: Uint8Array = randomBytes(SECRET_BYTES)): PlaceClaims {
  const hmac = createHmacSha256(secret);
  const newId = createRandomIds();

  function macOf(space: string, body: string): Buffer {
    return hmac(`place ${space} ${body}`).subarray(0, MAC_BYTES);
  }

  return {
    sign(space, { kind, id, utcMs }) {
      const body = `${kind === "waiting" ? "w" : "l"}${id}.${Math.floor(utcMs).toString(36)}`;
      return `${body}.${macOf(space, body).toString("base64url")}`;
    },
    read(space, text) {
      const [, body = "", letter, id = "", time = "", mac = ""] =
        /^(([wl])([\w-]{12})\.([0-9a-z]{1,10}))\.([\w-]{16})$/.exec(text ?? "") ?? [];
      if (letter !== "w" && letter !== "l") return undefined;
      if (!timingSafeEqual(Buffer.from(mac, "base64url"), macOf(space, body))) return undefined;
      const claim = { kind: KINDS[letter], id, utcMs: Number.parseInt(time, 36) };
      const ageMs = clock.utcMs() - claim.utcMs;
      return ageMs <= VALID_MS[claim.kind] && ageMs >= -AHEAD_MS ? claim : undefined;
    },
    newId,
  };
}

/** RFC 2104 by two calls of `hash`, which cost an eighth of Node's Hmac object: every join signs claims. */
export function createHmacSha256(secret: Uint8Array): (text: string) => Buffer {
  const key = Buffer.alloc(BLOCK_BYTES);
  key.set(secret.length > BLOCK_BYTES ? hash("sha256", secret, "buffer") : secret);
  const inner = key.map((byte) => byte ^ 0x36);
  const outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES);
  outer.set(key.map((byte) => byte ^ 0x5c));
  return (text) => {
    const bytes = Buffer.concat([inner, Buffer.from(text)]);
    outer.set(hash("sha256", bytes, "buffer"), BLOCK_BYTES);
    return hash("sha256", outer, "buffer");
  };
}

// Random bytes are made for many ids at once.
function createRandomIds(): () => string {
  const pool = Buffer.alloc(ID_BYTES * IDS_AT_ONCE);
  let at = pool.length;
  return () => {
    if (at === pool.length) {
      randomFillSync(pool);
      at = 0;
    }
    at += ID_BYTES;
    return pool.toString("base64url", at - ID_BYTES, at);
  };
}

/** A listener returns only with a cursor. */
export function claimedPlace(
  claims: PlaceClaims,
  clock: Clock,
  space: string,
  request: { readonly claim?: string | undefined; readonly nextSlot?: number | undefined },
): ClaimedPlace {
  const claim = claims.read(space, request.claim);
  const isReturning = claim?.kind === "listening" && request.nextSlot !== undefined;
  const hasWaited = claim?.kind === "waiting";
  const sinceUtcMs = claim !== undefined && (isReturning || hasWaited) ? claim.utcMs : clock.utcMs();
  const id = claim?.id ?? claims.newId();
  const kind = isReturning ? "listening" : "waiting";
  return { id, isReturning, hasWaited, sinceUtcMs, claim: claims.sign(space, { kind, id, utcMs: sinceUtcMs }) };
}
