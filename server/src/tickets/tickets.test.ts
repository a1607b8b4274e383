import assert from "node:assert/strict";
import { test } from "node:test";
import { type ManualClock, manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { TICKET_LEEWAY_SECONDS, TICKET_SECONDS, type TicketClaims } from "@hustings/wire/api/tickets.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { guestIdFrom, spaceIdFrom } from "@hustings/wire/ids.ts";
import fc from "fast-check";
import { importJWK, SignJWT, UnsecuredJWT } from "jose";
import { generateTicketKey, type PrivateJwk, publicHalf } from "./keys.ts";
import { ticketSigner } from "./sign.ts";
import { passVerifier, ticketVerifier } from "./verify.ts";

const space = spaceIdFrom(new Uint8Array(10).fill(1));
const elsewhere = spaceIdFrom(new Uint8Array(10).fill(2));
const person = guestIdFrom(new Uint8Array(16).fill(3));
const claims = { space, person, name: "Ada", generation: 2 };
const key = await generateTicketKey();
const stranger = await generateTicketKey();

test("accepts a ticket for ten minutes and the leeway, with the claims that were signed", async () => {
  const { clock, sign, check } = office();
  const { ticket, expiresUtcMs } = await sign.ticket(claims);
  assert.equal(expiresUtcMs, clock.utcMs() + TICKET_SECONDS * 1000);
  const expected: TicketClaims = { ...claims, expiresUtcMs };
  assert.deepEqual(await check(`Bearer ${ticket}`, space), expected);
  assert.deepEqual(await check(`bearer  ${ticket}`, space), expected, "the scheme has no case (RFC 9110 §11.1)");
  clock.advance((TICKET_SECONDS + TICKET_LEEWAY_SECONDS - 1) * 1000);
  assert.deepEqual(await check(`Bearer ${ticket}`, space), expected);
  clock.advance(1000);
  await assert.rejects(check(`Bearer ${ticket}`, space), refusal("ticket-expired"));
});

test("answers no-ticket to a missing header and to another scheme", async () => {
  const { check } = office();
  for (const header of [undefined, "", "Basic YTpi", "Bearer", "Bearer "]) {
    await assert.rejects(check(header, space), refusal("no-ticket"), String(header));
  }
});

test("answers wrong-space to a ticket for another space", async () => {
  const { sign, check } = office();
  const { ticket } = await sign.ticket(claims);
  await assert.rejects(check(`Bearer ${ticket}`, elsewhere), refusal("wrong-space"));
});

test("refuses a ticket signed with another key, even when it claims our key's id", async () => {
  const { check, clock } = office();
  for (const forger of [stranger, { ...stranger, kid: key.kid }]) {
    const { ticket } = await ticketSigner(forger, clock).ticket(claims);
    await assert.rejects(check(`Bearer ${ticket}`, space), refusal("ticket-invalid"));
  }
});

test("refuses alg none, HS256 with our public key, and a missing kid", async () => {
  const { check, clock } = office();
  const payload = { sub: person, name: "Ada", use: "act", gen: 1 };
  const exp = Math.floor(clock.utcMs() / 1000) + 60;
  const unsigned = new UnsecuredJWT(payload).setIssuer("hustings").setAudience(space).setExpirationTime(exp).encode();
  const signedWith = (alg: string, secret: Uint8Array | CryptoKey, kid?: string) =>
    new SignJWT({ ...payload, iss: "hustings", aud: space, exp })
      .setProtectedHeader(kid === undefined ? { alg } : { alg, kid })
      .sign(secret);
  const confused = await signedWith("HS256", Buffer.from(key.x, "base64url"), key.kid);
  const nameless = await signedWith("EdDSA", (await importJWK(key, "EdDSA")) as CryptoKey);
  for (const ticket of [unsigned, `${unsigned}AA`, confused, nameless]) {
    await assert.rejects(check(`Bearer ${ticket}`, space), refusal("ticket-invalid"));
  }
});

test("refuses a signed ticket with a claim that is missing or of the wrong kind", async () => {
  const { check, clock } = office();
  const whole = { iss: "hustings", aud: space, sub: person, name: "Ada", use: "act", gen: 1 };
  const exp = Math.floor(clock.utcMs() / 1000) + 60;
  const broken: Record<string, unknown>[] = Object.keys(whole).map((name) => ({ ...whole, exp, [name]: undefined }));
  broken.push({ ...whole }, { ...whole, exp, aud: [space] }, { ...whole, exp, gen: 1.5 });
  for (const payload of broken) {
    const jws = new SignJWT(payload).setProtectedHeader({ alg: "EdDSA", kid: key.kid });
    const ticket = await jws.sign((await importJWK(key, "EdDSA")) as CryptoKey);
    await assert.rejects(check(`Bearer ${ticket}`, space), refusal("ticket-invalid"), JSON.stringify(payload));
  }
});

test("refuses a pass as a ticket and a ticket as a pass", async () => {
  const { sign, check, checkPass } = office();
  const pass = await sign.pass({ person, name: "Ada" });
  const { ticket } = await sign.ticket(claims);
  assert.equal((await checkPass(pass, space)).person, person);
  await assert.rejects(check(`Bearer ${pass}`, space), refusal("ticket-invalid"));
  await assert.rejects(checkPass(ticket, space), refusal("ticket-invalid"));
});

test("accepts a pass in every space", async () => {
  const { sign, checkPass } = office();
  const pass = await sign.pass({ person, name: "Ada" });
  for (const any of [space, elsewhere]) assert.equal((await checkPass(pass, any)).person, person);
});

test("honours tickets and passes of version 0.1, which name a role and bind a pass to one space", async () => {
  const { clock, check, checkPass } = office();
  const exp = Math.floor(clock.utcMs() / 1000) + 60;
  const old = { iss: "hustings", aud: space, sub: "0123456789ab", name: "Ada", exp };
  const signed = async (payload: Record<string, unknown>) =>
    new SignJWT(payload)
      .setProtectedHeader({ alg: "EdDSA", kid: key.kid })
      .sign((await importJWK(key, "EdDSA")) as CryptoKey);
  const ofHost = await check(`Bearer ${await signed({ ...old, role: "host", use: "act", gen: 3 })}`, space);
  assert.deepEqual(ofHost, { space, person: old.sub, name: "Ada", generation: 3, expiresUtcMs: exp * 1000 });
  const ofGuest = await check(`Bearer ${await signed({ ...old, role: "guest", use: "act", gen: 0 })}`, space);
  assert.equal(ofGuest.generation, 0);
  const pass = await signed({ ...old, role: "guest", use: "renew", gen: 0 });
  assert.equal((await checkPass(pass, space)).person, old.sub);
  await assert.rejects(checkPass(pass, elsewhere), refusal("wrong-space"));
});

test("accepts tickets of an older key after a new key was put first", async () => {
  const clock = manualClock();
  const older = await ticketSigner(key, clock).ticket(claims);
  const newer = await ticketSigner(stranger, clock).ticket(claims);
  const check = ticketVerifier([publicHalf(stranger), publicHalf(key)], clock);
  for (const { ticket } of [older, newer]) assert.equal((await check(`Bearer ${ticket}`, space)).person, person);
});

test("refuses a ticket with any one character changed", async () => {
  const { sign, check } = office();
  const { ticket } = await sign.ticket(claims);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.= ";
  const changes = fc.tuple(fc.nat(ticket.length - 1), fc.constantFrom(...alphabet));
  await fc.assert(
    fc.asyncProperty(changes, async ([at, character]) => {
      const changed = ticket.slice(0, at) + character + ticket.slice(at + 1);
      fc.pre(changed !== ticket && !isSameSignature(changed, ticket));
      await assert.rejects(check(`Bearer ${changed}`, space), Refusal);
    }),
    { numRuns: 300 },
  );
});

test("answers any header with a row of the error table", async () => {
  const { check } = office();
  const part = fc.oneof(
    fc.base64String(),
    fc.json().map((json) => Buffer.from(json).toString("base64url")),
    fc.string(),
  );
  const header = fc.oneof(
    fc.string({ size: "large" }),
    fc.string({ size: "large" }).map((text) => `Bearer ${text}`),
    fc.array(part, { maxLength: 5 }).map((parts) => `Bearer ${parts.join(".")}`),
    fc.constant(`Bearer ${"a".repeat(1_000_000)}`),
  );
  await fc.assert(
    fc.asyncProperty(header, async (text) => {
      await assert.rejects(check(text, space), (error) => error instanceof Refusal && error.status === 401);
    }),
    { numRuns: 500 },
  );
});

// The last character of 64 signature bytes carries two bits of which nothing depends.
function isSameSignature(one: string, other: string): boolean {
  const bytes = (ticket: string) => Buffer.from(ticket.split(".")[2] ?? "", "base64url");
  return one.slice(0, -1) === other.slice(0, -1) && bytes(one).equals(bytes(other));
}

function office(jwk: PrivateJwk = key) {
  const clock: ManualClock = manualClock();
  const publicJwks = [publicHalf(jwk)];
  return {
    clock,
    sign: ticketSigner(jwk, clock),
    check: ticketVerifier(publicJwks, clock),
    checkPass: passVerifier(publicJwks, clock),
  };
}

function refusal(code: string): (error: unknown) => boolean {
  return (error) => error instanceof Refusal && error.code === code;
}
