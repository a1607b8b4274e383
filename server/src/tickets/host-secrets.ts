// Makes, checks and hashes host secrets. Only the hash is kept.

import { createHash, randomBytes } from "node:crypto";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { HOST_SECRET_PREFIX, ROUTES } from "@hustings/wire/routes.ts";

const SECRET_BYTES = 32;
const SECRET = /^[\w-]{43}$/;

/** 256 random bits, base64url. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}

export function isSecret(text: string): boolean {
  return SECRET.test(text);
}

/** base64url(SHA-256(secret)). 256 bits need no slow hash. */
export function hashOfSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}

export function hostUrlOf(origin: string, id: SpaceId, secret: string): string {
  return `${origin}${ROUTES.page(id)}#${HOST_SECRET_PREFIX}${secret}`;
}
