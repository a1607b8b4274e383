import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemClock } from "@hustings/flow/clock.ts";
import { readConfig } from "../config.ts";
import { mayGoRealTime } from "../host/realtime.ts";
import { checkMachine } from "./checkup.ts";
import type { Finding } from "./finding.ts";

test("reports a port in use as wrong, with the flag that changes it", async (t) => {
  const tcp = createServer().listen(0);
  const udp = createSocket("udp4").bind(0);
  t.after(() => void tcp.close());
  t.after(() => void udp.close());
  await Promise.all([once(tcp, "listening"), once(udp, "listening")]);
  const { port } = tcp.address() as { port: number };
  const udpPort = udp.address().port;
  const findings = await check(t, { port: String(port), "udp-port": String(udpPort) });
  const [door, sound] = [one(findings, `TCP port ${port}`), one(findings, `UDP port ${udpPort}`)];
  assert.deepEqual([door.verdict, door.what], ["wrong", "is in use by another program"]);
  assert.match(door.mend ?? "", /another port with --port$/);
  assert.equal(sound.verdict, "wrong");
});

test("tries a missing data directory where it would be created, without creating it", async (t) => {
  const place = await scratch(t);
  const findings = await check(t, { data: join(place, "a", "b") });
  assert.equal(one(findings, "data directory").verdict, "ok");
  assert.deepEqual(await readdir(place), []);
});

test("reports a missing program that only tests need as a note", async (t) => {
  const place = await scratch(t);
  await writeFile(join(place, "google-chrome"), "", { mode: 0o755 });
  const findings = await check(t, {}, place);
  assert.equal(one(findings, "chromium").what, join(place, "google-chrome"));
  assert.deepEqual(one(findings, "ffmpeg").mend, "apt-get install ffmpeg");
  assert.equal(one(findings, "ffmpeg").verdict, "note");
});

test("reports whether a stage can be in the real-time class here, and what it needs if not", async (t) => {
  const without = one(await check(t, {}, ""), "the stage's tick");
  assert.deepEqual([without.verdict, /chrt is not found/.test(without.what)], ["note", true]);
  assert.match(without.mend ?? "", /LimitRTPRIO=1.*util-linux/);
  const standing = await mayGoRealTime();
  const here = one(await check(t, {}, process.env["PATH"]), "the stage's tick");
  if (standing.isRealTime) assert.deepEqual([here.verdict, here.mend], ["ok", undefined]);
  else assert.ok(here.what.includes(standing.why) && here.mend === without.mend);
  const off = one(await check(t, { "stage-realtime": "off" }), "the stage's tick");
  assert.deepEqual([off.verdict, off.mend], ["ok", undefined]);
});

test("notes a clock that jumps", async (t) => {
  let looksCount = 0;
  const jumping = { ...systemClock, utcMs: () => systemClock.utcMs() + 200 * looksCount++ };
  const findings = await check(t, {}, "", jumping);
  assert.match(one(findings, "clock").what, /jumped by \d{3} ms/);
});

async function check(t: TestContext, flags: Record<string, string>, path = "", clock = systemClock) {
  const data = flags["data"] ?? (await scratch(t));
  return checkMachine({ config: readConfig({ ...flags, data }, {}, { coresCount: 1 }), clock, path });
}

function one(findings: readonly Finding[], beginning: string): Finding {
  const found = findings.find(({ name }) => name.startsWith(beginning));
  assert.ok(found, beginning);
  return found;
}

async function scratch(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "hustings-doctor-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
