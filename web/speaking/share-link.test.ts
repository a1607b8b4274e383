import assert from "node:assert/strict";
import { test } from "node:test";
import { invitationOf, isLoopback, NO_ADDRESSES } from "./share-link.ts";

const LAN = "http://192.168.0.10:8080";
const OTHER_LAN = "http://10.1.2.3:8080";
const PUBLIC = "https://hustings.example";

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

test("a link begins with the address that most people can open", () => {
  const cases = [
    ["http://localhost:8080", { publicUrl: null, networkUrls: [LAN, OTHER_LAN] }, [LAN, OTHER_LAN], "network"],
    ["http://localhost:8080", { publicUrl: PUBLIC, networkUrls: [LAN] }, [PUBLIC], "unlimited"],
    ["http://localhost:8080", NO_ADDRESSES, ["http://localhost:8080"], "this-computer"],
    [
      "http://localhost:8080",
      { publicUrl: "http://localhost", networkUrls: [] },
      ["http://localhost"],
      "this-computer",
    ],
    [LAN, NO_ADDRESSES, [LAN], "network"],
    [OTHER_LAN, { publicUrl: PUBLIC, networkUrls: [] }, [PUBLIC], "unlimited"],
    ["http://studio.local", NO_ADDRESSES, ["http://studio.local"], "network"],
    ["http://[fd00::7]", NO_ADDRESSES, ["http://[fd00::7]"], "network"],
    ["http://172.40.0.1", NO_ADDRESSES, ["http://172.40.0.1"], "unlimited"],
    [PUBLIC, { publicUrl: null, networkUrls: [LAN] }, [PUBLIC], "unlimited"],
  ] as const;
  for (const [page, addresses, origins, reach] of cases)
    assert.deepEqual(invitationOf(new URL(page), addresses), { origins, reach }, page);
});
