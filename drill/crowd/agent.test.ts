import assert from "node:assert/strict";
import { test } from "node:test";
import { BadConfig } from "@hustings/server/ops/config.ts";
import fc from "fast-check";
import { runAgent } from "./agent.ts";
import { readAgentOptions } from "./agent-options.ts";
import { awaitAgents } from "./agent-server.ts";

const JOIN = "http://192.0.2.10:8446/secret";

test("an agent's source addresses are a list, with commas or one flag each", () => {
  const words = ["--join", JOIN, "--source-address", "192.0.2.20, 192.0.2.21", "--source-address", "192.0.2.22"];
  assert.deepEqual(readAgentOptions(words), {
    join: JOIN,
    sourceAddresses: ["192.0.2.20", "192.0.2.21", "192.0.2.22"],
  });
  assert.deepEqual(readAgentOptions(["--join", JOIN]).sourceAddresses, []);
});

test("all mistakes in an agent's words are named at once", () => {
  const words = ["more", "--join", "nowhere", "--source-address", "192.0.2.1,192.0.2.1,::1,eth0"];
  assert.throws(
    () => readAgentOptions(words),
    (error: BadConfig) => {
      const all = error.faults.join("\n");
      for (const part of ['"more" belongs to no flag', "--join", "given twice", "not both", '"eth0" is no IP address'])
        assert.ok(all.includes(part), part);
      return true;
    },
  );
});

test("whatever is given as source addresses, it is a list of addresses or BadConfig says why not", () => {
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

test("an address that is not this machine's is refused before the drill is asked", async () => {
  const words = ["--join", JOIN, "--source-address", "192.0.2.77"];
  await assert.rejects(runAgent(words, AbortSignal.timeout(5_000)), /192\.0\.2\.77 is no address of this machine/);
});

test("addresses of another family than the door's are refused, and no listener is made", async () => {
  const opened = Promise.withResolvers<string>();
  const door = { host: "2001:db8::1", port: 1, isTls: false };
  const coming = awaitAgents({
    start: { door, path: "/listen/x", rendition: "32", visitsHome: false },
    people: 1,
    agents: 1,
    port: 0,
    host: "127.0.0.1",
    signal: AbortSignal.timeout(10_000),
    print: () => undefined,
    onOpen: opened.resolve,
  });
  const words = ["--join", await opened.promise, "--source-address", "127.0.0.1"];
  await assert.rejects(runAgent(words, AbortSignal.timeout(5_000)), /--source-address must be IPv6, not IPv4/);
  await using crowd = await coming;
  assert.equal(crowd.report().standing.people, 0);
});
