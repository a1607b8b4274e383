import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal } from "@hustings/wire/errors.ts";
import fc from "fast-check";
import { SPACE } from "../../replica/testing/fake-upstream.ts";
import { get, startFixture } from "../testing/edge-fixture.ts";
import { createClientAddresses } from "./client-address.ts";
import { addressIn } from "./forwarded.ts";

const asked = (headers: Record<string, string>, remoteAddress = "10.0.0.1") =>
  ({ headers, socket: { remoteAddress } }) as never;
const proxied = createClientAddresses(["10.0.0.0/8"]);
const clientOf = (text: string) => proxied.addressOf(asked({ "x-forwarded-for": text }));

test("reads the address of a client with port, brackets, quotes or zone", () => {
  for (const [text, address] of [
    ["203.0.113.20", "203.0.113.20"],
    ["203.0.113.20:50123", "203.0.113.20"],
    ["[2001:db8::1]:443", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["2001:db8::1", "2001:db8::1"],
    ['"[2001:db8::1]:443"', "2001:db8::1"],
    ['"203.0.113.20:50123"', "203.0.113.20"],
    [' "203.0.113.20" ', "203.0.113.20"],
    ["::ffff:203.0.113.20", "203.0.113.20"],
    ["[::ffff:203.0.113.20]:1", "203.0.113.20"],
    ["[fe80::1%eth0]:443", "fe80::1"],
    ["fe80::1%eth0", "fe80::1"],
  ] as const)
    assert.equal(clientOf(text), address, text);
});

test("takes the newest address that is no trusted proxy's, in lists of either header", () => {
  assert.equal(clientOf("6.6.6.6, 1.2.3.4"), "1.2.3.4");
  assert.equal(clientOf("6.6.6.6, 1.2.3.4:80, 10.0.0.2:443"), "1.2.3.4");
  assert.equal(clientOf("10.0.0.3, 10.0.0.2"), "10.0.0.3", "only trusted proxies");
  assert.equal(clientOf(", 1.2.3.4 ,, "), "1.2.3.4", "empty elements count for nothing");
  const forwarded = (text: string) => proxied.addressOf(asked({ forwarded: text }));
  assert.equal(forwarded("for=203.0.113.20"), "203.0.113.20");
  assert.equal(forwarded('For="[2001:db8::1]:4711"; Proto=https; by=10.0.0.1'), "2001:db8::1");
  assert.equal(forwarded('for=6.6.6.6, for="1.2.3.4:80";host="a;b,c", for=10.0.0.2'), "1.2.3.4");
  assert.equal(forwarded('for=6.6.6.6;x="a\\"b, for=7.7.7.7", for=1.2.3.4'), "1.2.3.4");
  const both = { "x-forwarded-for": "1.2.3.4", forwarded: "for=6.6.6.6" };
  assert.equal(proxied.addressOf(asked(both)), "1.2.3.4", "X-Forwarded-For outranks Forwarded");
  assert.equal(proxied.addressOf(asked({})), "10.0.0.1", "a request of the proxy itself");
});

test("refuses what a trusted proxy forwards for no address, and believes nobody else", () => {
  for (const text of ["nonsense", "unknown", "_hidden", "999.1.1.1", "1.2.3.4:x", "[::1", "a, 10.0.0.2"])
    assert.throws(() => clientOf(text), { code: "bad-request", message: /no address/ }, text);
  assert.throws(() => proxied.addressOf(asked({ forwarded: "by=10.0.0.1" })), { code: "bad-request" });
  assert.equal(clientOf("nonsense, 1.2.3.4"), "1.2.3.4", "older hops are not looked at");
  const header = { "x-forwarded-for": "1.2.3.4", forwarded: "for=1.2.3.4", "x-forwarded-proto": "https" };
  assert.equal(proxied.addressOf(asked(header, "192.0.2.1")), "192.0.2.1");
  assert.equal(proxied.schemeOf(asked(header, "192.0.2.1")), "http");
});

test("reads the scheme of the same hop as the address", () => {
  const scheme = (headers: Record<string, string>) => proxied.schemeOf(asked(headers));
  assert.equal(scheme({ "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https" }), "https");
  assert.equal(scheme({ "x-forwarded-for": "1.2.3.4, 10.0.0.2", "x-forwarded-proto": "HTTPS, http" }), "https");
  assert.equal(scheme({ "x-forwarded-for": "6.6.6.6, 1.2.3.4, 10.0.0.2", "x-forwarded-proto": "https" }), "https");
  assert.equal(scheme({ "x-forwarded-proto": "https" }), "https");
  assert.equal(scheme({ forwarded: "for=1.2.3.4;proto=https" }), "https");
  assert.equal(scheme({ "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "gopher" }), "http");
});

test("finds an address in any text or refuses it, in time linear in its length", () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom("x-forwarded-for", "forwarded"), (text, name) => {
      try {
        assert.equal(typeof proxied.addressOf(asked({ [name]: text })), "string");
      } catch (cause) {
        assert.ok(cause instanceof Refusal, String(cause));
      }
    }),
  );
  fc.assert(fc.property(fc.ipV4(), fc.nat(65_535), (address, port) => addressIn(`${address}:${port}`) === address));
  for (const piece of ["a", '"', ';"', "for=", '\\"', "["])
    assert.throws(() => proxied.addressOf(asked({ forwarded: piece.repeat(16_000) })), Refusal);
});

test("counts clients of a proxy that names ports apart, and answers a bad name with a sentence", async () => {
  await using fixture = await startFixture({ trustedProxies: ["127.0.0.1"] });
  const { port } = fixture.edge;
  const posted = (address: string) => get(port, "/api/spaces", { "x-forwarded-for": address }, "POST", "{}");
  const refused = await posted("nonsense");
  assert.equal(refused.status, 400);
  assert.match(JSON.parse(refused.body).message, /for "nonsense", which is no address/);
  assert.equal((await posted("203.0.113.20:50123")).status, 503, "the api is away in this test");
  assert.equal((await get(port, `/s/${SPACE}`, { "x-forwarded-for": "nonsense" })).status, 404);
});

test("throws RangeError for a trusted proxy that is neither an address nor a range", () => {
  assert.throws(() => createClientAddresses(["nonsense"]), RangeError);
  assert.throws(() => createClientAddresses(["10.0.0.0/64"]), RangeError);
});
