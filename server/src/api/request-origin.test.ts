import assert from "node:assert/strict";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createApiServer } from "./api-context.ts";
import { originOf } from "./request-origin.ts";

test("links begin with the host of the request, which may have an underscore", () => {
  const at = (host: string) => originOf({ "x-forwarded-host": host, "x-forwarded-proto": "https" }, undefined);
  for (const host of ["talk.example", "my_server:8080", "[2001:db8::1]:443", "192.0.2.1"])
    assert.equal(at(host), `https://${host}`);
  assert.equal(originOf({}, undefined), "http://localhost");
  for (const host of ["evil.example/#", "a@evil.example", "a b", "<a>"])
    assert.throws(() => at(host), { code: "bad-request" }, host);
});

test("links begin with the public URL, whatever host a request names", () => {
  for (const host of ["evil.example", "evil.example/#"])
    assert.equal(originOf({ "x-forwarded-host": host }, "https://talk.example"), "https://talk.example");
});

test("the api ignores an upgrade that it does not know, and answers a target with scheme and host", async (t) => {
  const app = createApiServer();
  app.get("/here", async (asked) => asked.url);
  await app.listen({ host: "127.0.0.1", port: 0 });
  t.after(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  const text = await new Promise<string>((resolve, reject) => {
    const headers = { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAMAAABk" };
    const asked = request({ port, path: "http://api.example/here?x=1", headers, agent: false }, (answer) => {
      answer.setEncoding("utf8").on("data", resolve);
    });
    asked.on("error", reject);
    asked.end();
  });
  assert.equal(text, "/here?x=1");
});
