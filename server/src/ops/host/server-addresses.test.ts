import assert from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { test } from "node:test";
import { type AddressSettings, invitationUrls, networkUrls } from "./server-addresses.ts";

const info = (address: string, family: "IPv4" | "IPv6" = "IPv4", internal = false) =>
  ({ address, family, internal }) as NetworkInterfaceInfo;
const NETWORKS = {
  lo: [info("127.0.0.1", "IPv4", true), info("::1", "IPv6", true)],
  docker0: [info("172.17.0.1")],
  wlan0: [info("192.168.0.10"), info("fe80::1", "IPv6"), info("169.254.7.7")],
};
const settings = (changes: Partial<AddressSettings>): AddressSettings => ({ host: "::", port: 8080, ...changes });

test("other devices reach the door at the addresses of real networks first", () => {
  const urls = ["http://192.168.0.10:8080", "http://172.17.0.1:8080"];
  assert.deepEqual(networkUrls(settings({}), NETWORKS), urls);
  assert.deepEqual(networkUrls(settings({ host: "0.0.0.0" }), NETWORKS), urls);
});

test("a door at one address has no addresses besides", () => {
  for (const host of ["127.0.0.1", "::1", "192.168.0.10"])
    assert.deepEqual(networkUrls(settings({ host }), NETWORKS), []);
});

test("nobody is sent to an address that the certificate does not name", () => {
  assert.deepEqual(invitationUrls(settings({ tlsCert: "a.pem" })), []);
});
