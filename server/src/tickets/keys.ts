// The ticket keys on disk: DATA/keys/ticket.json (private, mode 0600) and ticket.pub.json, JWK sets (RFC 7517 §5). The
// first key signs, every key verifies, so keys can be rotated.

import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";

export interface PublicJwk {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  readonly kid: string;
  readonly x: string;
}

export interface PrivateJwk extends PublicJwk {
  readonly d: string;
}

export interface TicketKeys {
  /** Newest first; never empty. */
  readonly privateJwks: readonly PrivateJwk[];
  readonly publicJwks: readonly PublicJwk[];
}

/** Names the file, never its contents. */
export class BadKeyFile extends Error {
  override readonly name = "BadKeyFile";
}

export function privateKeyPath(dataDirectory: string): string {
  return join(dataDirectory, "keys", "ticket.json");
}

export function publicKeyPath(dataDirectory: string): string {
  return join(dataDirectory, "keys", "ticket.pub.json");
}

/** Created on the first call; simultaneous calls agree. Throws BadKeyFile or the file system's error. */
export async function loadOrCreateKeys(dataDirectory: string): Promise<TicketKeys> {
  const path = privateKeyPath(dataDirectory);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await chmod(dirname(path), 0o700);
  const privateJwks = (await readKeys(path, isPrivateJwk)) ?? (await createKeys(path));
  await chmod(path, 0o600);
  const publicJwks = privateJwks.map(publicHalf);
  await replaceFile(publicKeyPath(dataDirectory), { keys: publicJwks }, 0o644);
  return { privateJwks, publicJwks };
}

/** Reads the keys that `loadOrCreateKeys` wrote. Throws BadKeyFile if the file is missing or holds no key. */
export async function readPublicKeys(dataDirectory: string): Promise<readonly PublicJwk[]> {
  const path = publicKeyPath(dataDirectory);
  const keys = await readKeys(path, isPublicJwk);
  if (keys === undefined) throw new BadKeyFile(`There are no ticket keys at ${path}.`);
  return keys.map(publicHalf);
}

export async function generateTicketKey(): Promise<PrivateJwk> {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const { x = "", d = "" } = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint({ kty: "OKP", crv: "Ed25519", x });
  return { kty: "OKP", crv: "Ed25519", kid, x, d };
}

export function publicHalf({ kty, crv, kid, x }: PublicJwk): PublicJwk {
  return { kty, crv, kid, x };
}

async function createKeys(path: string): Promise<readonly PrivateJwk[]> {
  const keys = [await generateTicketKey()];
  const draft = await writeDraft(path, { keys }, 0o600);
  try {
    await link(draft, path);
    await syncDirectory(dirname(path));
    return keys;
  } catch (cause) {
    const winner = await readKeys(path, isPrivateJwk);
    if (winner === undefined) throw cause;
    return winner;
  } finally {
    await rm(draft, { force: true });
  }
}

async function replaceFile(path: string, value: unknown, mode: number): Promise<void> {
  const draft = await writeDraft(path, value, mode);
  await rename(draft, path);
  await syncDirectory(dirname(path));
}

async function writeDraft(path: string, value: unknown, mode: number): Promise<string> {
  const draft = `${path}.${randomBytes(6).toString("hex")}.new`;
  await using file = await open(draft, "wx", mode);
  await file.writeFile(`${JSON.stringify(value, undefined, 2)}\n`);
  await file.sync();
  return draft;
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, "r");
  await directory.sync();
}

async function readKeys<Jwk extends PublicJwk>(
  path: string,
  isKey: (value: unknown) => value is Jwk,
): Promise<readonly Jwk[] | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
  const keys = keysOf(text);
  if (keys === undefined || keys.length === 0 || !keys.every(isKey)) {
    throw new BadKeyFile(
      `${path} is not a set of Ed25519 keys. Restore it, or delete it to make every ticket worthless.`,
    );
  }
  return keys;
}

function keysOf(text: string): readonly unknown[] | undefined {
  try {
    const { keys } = (JSON.parse(text) ?? {}) as { keys?: unknown };
    return Array.isArray(keys) ? keys : undefined;
  } catch {
    return undefined;
  }
}

function isPublicJwk(value: unknown): value is PublicJwk {
  const { kty, crv, kid, x } = (value ?? {}) as Record<string, unknown>;
  return kty === "OKP" && crv === "Ed25519" && typeof kid === "string" && isKeyText(x);
}

function isPrivateJwk(value: unknown): value is PrivateJwk {
  return isPublicJwk(value) && isKeyText((value as unknown as Record<string, unknown>)["d"]);
}

function isKeyText(value: unknown): boolean {
  return typeof value === "string" && /^[\w-]{43}$/.test(value);
}
