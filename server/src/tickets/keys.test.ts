import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { guestIdFrom, spaceIdFrom } from "@hustings/wire/ids.ts";
import { BadKeyFile, loadOrCreateKeys, privateKeyPath, publicKeyPath, readPublicKeys } from "./keys.ts";
import { ticketSigner } from "./sign.ts";
import { ticketVerifier } from "./verify.ts";

test("creates the keys once, mode 0600 in a 0700 directory, and leaves nothing else there", async (t) => {
  const directory = await scratch(t);
  const first = await loadOrCreateKeys(directory);
  assert.deepEqual(await loadOrCreateKeys(directory), first);
  assert.equal((await stat(privateKeyPath(directory))).mode & 0o777, 0o600);
  assert.equal((await stat(join(directory, "keys"))).mode & 0o777, 0o700);
  assert.deepEqual((await readdir(join(directory, "keys"))).sort(), ["ticket.json", "ticket.pub.json"]);
});

test("accepts a ticket from before a restart, and writes no private key into the public file", async (t) => {
  const directory = await scratch(t);
  const clock = manualClock();
  const space = spaceIdFrom(new Uint8Array(10));
  const [key] = (await loadOrCreateKeys(directory)).privateJwks;
  assert.ok(key);
  const person = guestIdFrom(new Uint8Array(16));
  const claims = { space, person, name: "Ada", generation: 0 };
  const { ticket } = await ticketSigner(key, clock).ticket(claims);
  await loadOrCreateKeys(directory);
  const check = ticketVerifier(await readPublicKeys(directory), clock);
  assert.equal((await check(`Bearer ${ticket}`, space)).person, person);
  assert.ok(!(await readFile(publicKeyPath(directory), "utf8")).includes(key.d));
});

test("two starts at once agree on one key", async (t) => {
  const directory = await scratch(t);
  const all = await Promise.all(Array.from({ length: 5 }, () => loadOrCreateKeys(directory)));
  for (const keys of all) assert.deepEqual(keys, all[0]);
});

test("names a damaged key file and never replaces it", async (t) => {
  const directory = await scratch(t);
  await loadOrCreateKeys(directory);
  for (const text of ["", "{", "null", '{"keys":[]}', '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"b"}]}']) {
    await writeFile(privateKeyPath(directory), text);
    const namesIt = (error: unknown) => error instanceof BadKeyFile && error.message.includes("ticket.json");
    await assert.rejects(loadOrCreateKeys(directory), namesIt, text);
    assert.equal(await readFile(privateKeyPath(directory), "utf8"), text);
  }
});

async function scratch(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "hustings-keys-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
