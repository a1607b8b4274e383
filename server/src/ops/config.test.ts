import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { configDocument } from "../../../test/house/words/generated.ts";
import { BadConfig, environmentNameOf, readConfig, SETTINGS } from "./config.ts";
import { blockListOf } from "./config-kinds.ts";

const machine = { coresCount: 3 };

test("uses the default of every setting that is not given, with one edge per core", () => {
  const config = readConfig({}, {}, machine);
  assert.deepEqual([config.port, config.stagePort, config.udpPort, config.edges], [8080, 8444, 8443, 3]);
  assert.equal(config.dataDirectory, "./data");
  assert.ok(!("publicUrl" in config) && !("tlsCert" in config));
});

test("prefers a flag to the environment and the environment to the default, and ignores an empty variable", () => {
  const environment = { HUSTINGS_PORT: "9000", HUSTINGS_STAGE_PORT: "9001", HUSTINGS_EDGES: "" };
  const config = readConfig({ port: "9100" }, environment, machine);
  assert.deepEqual([config.port, config.stagePort, config.edges], [9100, 9001, 3]);
});

test("names every bad setting at once, by the name under which it was given", () => {
  const flags = { port: "80a", edges: "0", "public-url": "talk.example/x", colour: "red", "tls-cert": "a.pem" };
  const environment = { HUSTINGS_LOG_LEVEL: "loud", HUSTINGS_TURN_URL: "http://x", HUSTINGS_TURN_SECRET: "s3cret" };
  assert.deepEqual(faultsOf(flags, environment), [
    "There is no setting --colour.",
    '--port must be a whole number from 1 to 65535, not "80a".',
    '--edges must be a whole number from 1 to 256, not "0".',
    '--public-url must be http:// or https:// and a host, such as https://talk.example.org, without a path, not "talk.example/x".',
    'HUSTINGS_TURN_URL must be turn: or turns: and a host, such as turn:turn.example.org:3478, not "http://x".',
    'HUSTINGS_LOG_LEVEL must be debug, info, warn or error, not "loud".',
    "--tls-cert and --tls-key must be given together.",
    "--turn-url and --turn-secret must be given together.",
  ]);
});

test("does not repeat a secret in its error", () => {
  const faults = faultsOf({}, { HUSTINGS_TURN_SECRET: "\0hidden", HUSTINGS_TURN_URL: "turn:a" });
  assert.ok(faults.length > 0 && !faults.join().includes("hidden"));
});

test("refuses the same port for the door and the stage", () => {
  assert.deepEqual(faultsOf({ port: "8444" }, {}), ["--port and --stage-port must differ: both are 8444."]);
});

test("matches the addresses within the blocks of trusted proxies", () => {
  const { trustedProxies } = readConfig({ "trusted-proxies": "127.0.0.1, 10.0.0.0/8,2001:db8::/32" }, {}, machine);
  const blocks = blockListOf(trustedProxies ?? []);
  const matched = ["127.0.0.1", "10.9.9.9", "11.0.0.1"].map((address) => blocks.check(address));
  assert.deepEqual([...matched, blocks.check("2001:db8::7", "ipv6")], [true, true, false, true]);
  for (const bad of ["10.0.0.0/33", "localhost", "10.0.0.0/8/8", "::/129"]) {
    assert.equal(faultsOf({ "trusted-proxies": bad }, {}).length, 1, bad);
  }
});

test("accepts a clock offset of at most a day in either direction", () => {
  const offsets = ["-30000", "30000"].map((given) => readConfig({ "utc-offset-ms": given }, {}, machine).utcOffsetMs);
  assert.deepEqual(offsets, [-30_000, 30_000]);
  for (const bad of ["-86400001", "--5", "1.5"]) assert.equal(faultsOf({ "utc-offset-ms": bad }, {}).length, 1, bad);
});

test("answers any input with a config or a list of faults", () => {
  const flag = fc.oneof(fc.constantFrom(...Object.values(SETTINGS).map((setting) => setting.flag)), fc.string());
  fc.assert(
    fc.property(fc.dictionary(flag, fc.string()), fc.dictionary(fc.string(), fc.string()), (flags, environment) => {
      try {
        readConfig(flags, environment, machine);
      } catch (error) {
        assert.ok(error instanceof BadConfig && error.faults.length > 0);
      }
    }),
  );
});

test("every setting has a flag of its own and a reason", () => {
  const settings = Object.values(SETTINGS);
  assert.equal(new Set(settings.map(environmentNameOf)).size, settings.length);
  for (const { flag, reason } of settings) assert.match(reason, /^(?:auto: |[A-Z]).*\.$/, flag);
});

test("docs/config.md matches the table (npm run docs writes it)", () => {
  const path = new URL("../../../docs/config.md", import.meta.url);
  assert.equal(readFileSync(path, "utf8"), configDocument(SETTINGS));
});

function faultsOf(flags: Record<string, string>, environment: Record<string, string>): readonly string[] {
  try {
    readConfig(flags, environment, machine);
  } catch (error) {
    if (error instanceof BadConfig) return error.faults;
    throw error;
  }
  return [];
}
