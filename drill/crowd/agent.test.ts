import assert from "node:assert/strict";
import { test } from "node:test";
import { BadConfig } from "@hustings/server/ops/config.ts";
import fc from "fast-check";
import { PATIENCE_MS } from "../../test/testing/until.ts";
import { runAgent } from "./agent.ts";
import { readAgentOptions } from "./agent-options.ts";
import { awaitAgents } from "./agent-server.ts";

const JOIN = "http://192.0.2.10:8446/secret";

test("reads source addresses separated by commas or from repeated options", () => {
  const args = ["--join", JOIN, "--source-address", "192.0.2.20, 192.0.2.21", "--source-address", "192.0.2.22"];
  assert.deepEqual(readAgentOptions(args), {
    join: JOIN,
    sourceAddresses: ["192.0.2.20", "192.0.2.21", "192.0.2.22"],
  });
  assert.deepEqual(readAgentOptions(["--join", JOIN]).sourceAddresses, []);
});

test("names all mistakes in the arguments at once", () => {
  const args = ["more", "--join", "nowhere", "--source-address", "192.0.2.1,192.0.2.1,::1,eth0"];
  assert.throws(
    () => readAgentOptions(args),
    (error: BadConfig) => {
      const all = error.faults.join("\n");
      for (const part of [
        '"more" belongs to no option',
        "--join",
        "given twice",
        "all IPv4 or all IPv6",
        '"eth0" is not an IP address',
      ])
        assert.ok(all.includes(part), part);
      return true;
    },
  );
});

test("any text for source addresses is a list of addresses or throws BadConfig", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), (text) => {
      try {
        assert.ok(readAgentOptions(["--join", JOIN, `--source-address=${text}`]).sourceAddresses.length > 0);
      } catch (error) {
        assert.ok(error instanceof BadConfig && error.faults.length > 0);
      }
    }),
  );
});

test("refuses an address that this machine does not have, before it contacts the drill", async () => {
  const args = ["--join", JOIN, "--source-address", "192.0.2.77"];
  await assert.rejects(
    runAgent(args, AbortSignal.timeout(PATIENCE_MS)),
    /192\.0\.2\.77 is not an address of this machine/,
  );
});

test("refuses addresses of another family than the door's and makes no listener", async () => {
  const opened = Promise.withResolvers<string>();
  const door = { host: "2001:db8::1", port: 1, isTls: false };
  const joining = awaitAgents({
    start: { door, path: "/listen/x", rendition: "32", visitsHome: false },
    people: 1,
    agents: 1,
    port: 0,
    host: "127.0.0.1",
    signal: AbortSignal.timeout(PATIENCE_MS),
    print: () => undefined,
    onOpen: opened.resolve,
  });
  const args = ["--join", await opened.promise, "--source-address", "127.0.0.1"];
  await assert.rejects(runAgent(args, AbortSignal.timeout(PATIENCE_MS)), /--source-address must be IPv6, not IPv4/);
  await using crowd = await joining;
  assert.equal(crowd.report().standing.people, 0);
});
