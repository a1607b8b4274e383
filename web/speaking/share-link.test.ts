import assert from "node:assert/strict";
import { test } from "node:test";
import { isLoopback } from "./share-link.ts";

test("knows the addresses that open only on this computer", () => {
  for (const url of [
    "http://localhost:8080/",
    "http://127.0.0.1/",
    "http://127.1/",
    "http://[::1]:80/",
    "http://a.localhost/",
  ])
    assert.equal(isLoopback(new URL(url).hostname), true, url);
  for (const url of [
    "https://hustings.example/",
    "http://192.168.0.10/",
    "http://localhost.example/",
    "http://[::2]/",
    "http://128.0.0.1/",
  ])
    assert.equal(isLoopback(new URL(url).hostname), false, url);
});
