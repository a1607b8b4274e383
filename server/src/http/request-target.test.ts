import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal } from "@hustings/wire/errors.ts";
import fc from "fast-check";
import { originForm, readTarget, type TargetedRequest } from "./request-target.ts";

function request(url: string, hosts: readonly string[] = ["a"], method = "GET"): TargetedRequest {
  const headers = hosts[0] === undefined ? {} : { host: hosts[0] };
  return { method, url, headers, rawHeaders: hosts.flatMap((host) => ["Host", host]) };
}

const pathOf = (asked: TargetedRequest): string => {
  const { pathname, search } = readTarget(asked);
  return pathname + search;
};

test("reads paths, absolute URLs and the asterisk of OPTIONS", () => {
  assert.equal(pathOf(request("/s/x?y=1")), "/s/x?y=1");
  assert.equal(pathOf(request("http://talk.example:8080/s/x?y=1")), "/s/x?y=1");
  assert.equal(pathOf(request("HTTPS://talk.example")), "/");
  assert.equal(pathOf(request("*", ["a"], "OPTIONS")), "/");
  for (const target of ["*", "", "//evil", "evil", "ftp://a/b", "http:///b", "http://a b/", "http://[::1/"])
    assert.throws(() => readTarget(request(target)), { code: "bad-request" }, target);
});

test("the host of an absolute URL replaces the Host header", () => {
  const asked = request("http://talk.example:8080/s/x", ["other"]);
  readTarget(asked);
  assert.equal(asked.headers.host, "talk.example:8080");
  assert.throws(() => readTarget(request("http://evil@talk.example%2f/", [])), { code: "bad-request" });
});

test("accepts every name and address of a host, and refuses two hosts and what is no host", () => {
  for (const host of ["a", "talk.example.", "my_server:8080", "192.0.2.1:1", "[2001:db8::1]:443", ""])
    assert.equal(pathOf(request("/", [host])), "/", host);
  assert.equal(pathOf(request("/", [])), "/");
  for (const host of ["a b", "a/b", "a@b", "a#b", '"a"', "a:b", "<a>", "é", "a,b", "a".repeat(300)])
    assert.throws(() => readTarget(request("/", [host])), { code: "bad-request" }, host);
  assert.throws(() => readTarget(request("/", ["a", "a"])), /more than one Host/);
});

test("reads any target as a path or refuses it", () => {
  const target = fc.oneof(
    fc.string(),
    fc.webUrl(),
    fc.string().map((text) => `http://${text}`),
  );
  fc.assert(
    fc.property(target, (text) => {
      try {
        assert.match(pathOf(request(text)), /^\//);
      } catch (cause) {
        assert.ok(cause instanceof Refusal && cause.code === "bad-request", String(cause));
      }
      originForm(text);
    }),
  );
});
