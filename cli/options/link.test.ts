import assert from "node:assert/strict";
import { PassThrough, Readable } from "node:stream";
import { test } from "node:test";
import { takeLink } from "./link.ts";

const LINK = "https://talk.example/s/7239kk6r3c#host=secret";
const nothing = Readable.from([]);

test("takes a link from the argument, which outranks the environment", async () => {
  const other = "https://other.example/s/7239kk6r3c";
  assert.equal((await takeLink(LINK, { HUSTINGS_LINK: other }, nothing)).origin, "https://talk.example");
  assert.equal((await takeLink(undefined, { HUSTINGS_LINK: LINK }, nothing)).secret, "secret");
  await assert.rejects(takeLink(undefined, {}, nothing), /Give the link of a space/);
});

test("takes a link from the first line of standard input, without waiting for its end", async () => {
  const input = new PassThrough();
  const taken = takeLink("-", {}, input);
  for (const piece of ["\n  https://talk.exam", "ple/s/7239kk6r3c#host=sec", "ret  \nmore"]) input.write(piece);
  assert.deepEqual(await taken, { origin: "https://talk.example", id: "7239kk6r3c", secret: "secret" });
  assert.equal((await takeLink("-", {}, Readable.from([LINK]))).secret, "secret");
});

test("says that standard input has no link, and reads no endless one", async () => {
  await assert.rejects(takeLink("-", { HUSTINGS_LINK: LINK }, nothing), /no link on standard input/);
  async function* endless() {
    for (;;) yield "x".repeat(1_000);
  }
  await assert.rejects(takeLink("-", {}, endless()), /is not a link/);
});
