// AAC on demand: playlists, requests that wait, refusals, encoding once and only on request, and two packagers that make the
// same bytes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SLOT_SAMPLES } from "@hustings/wire/units.ts";
import { until } from "../../../test/testing/until.ts";
import { advanceUntil } from "../edge/testing/edge-fixture.ts";
import { countingEncoder, type FixtureOptions, startFixture } from "./testing/packager-fixture.ts";

const start = (slots: number, options: Partial<FixtureOptions> = {}) =>
  startFixture({ slots, encoder: countingEncoder(), ...options });

type Fixture = Awaited<ReturnType<typeof start>>;

const textOf = async (fixture: Fixture, path: string) => String((await fixture.get("one", path)).body);
const waits = (fixture: Fixture, requests: number) =>
  until(`${requests} to wait`, async () => (await fixture.waiting()) === requests);

test("lists parts and the next part in a playlist, and only segments in a plain one", async () => {
  await using fixture = await start(66);
  const { status, headers, body } = await fixture.get("one", "index.m3u8");
  assert.deepEqual(
    [status, headers["content-type"], headers["cache-control"], headers["access-control-allow-origin"]],
    [200, "application/vnd.apple.mpegurl", "public, max-age=1", "*"],
  );
  assert.match(String(body), /#EXT-X-PART-INF:PART-TARGET=1.00267\n/);
  assert.match(String(body), /#EXT-X-PART:DURATION=1.00267,URI="p60.m4s",INDEPENDENT=YES\n#EXT-X-PRELOAD.*"p65.m4s"\n/);
  assert.match(
    String(body),
    /REPORT:URI="..\/32\/index.m3u8",LAST-MSN=3,LAST-PART=0\n.*"..\/16\/index.m3u8",LAST-MSN=3/,
  );
  const plain = await textOf(fixture, "plain.m3u8");
  assert.deepEqual(plain.match(/^[^#].*$/gm), ["s0.m4s", "s20.m4s", "s40.m4s"]);
  assert.match(plain, /#EXTINF:4.01067,\ns0.m4s\n/);
  assert.doesNotMatch(plain, /PART|BLOCK|HINT|REPORT/);
  const init = await fixture.get("one", "init.mp4");
  assert.equal(init.headers["cache-control"], "public, max-age=31536000, immutable");
});

test("answers blocking reloads and hinted parts when the slot after their sound comes, and encodes once for all", async () => {
  const encoder = countingEncoder();
  await using fixture = await start(66, { encoder });
  const reload = "index.m3u8?_HLS_msn=3&_HLS_part=1";
  const asked = Promise.all([reload, reload, "p65.m4s", "p65.m4s"].map((path) => fixture.get("one", path)));
  await waits(fixture, 4);
  for (let slot = 66; slot < 70; slot++) fixture.speak(slot);
  await fixture.clock.advanceAsync(1_000);
  assert.equal(await fixture.waiting(), 4);
  assert.equal(encoder.runs, 0);
  fixture.speak(70);
  const [playlist, again, part, same] = await asked;
  assert.match(String(playlist?.body), /URI="p65.m4s",INDEPENDENT/);
  assert.deepEqual(playlist?.body, again?.body);
  assert.equal(playlist?.headers["cache-control"], "public, max-age=4");
  assert.deepEqual([part?.status, part?.body], [200, same?.body]);
  assert.equal(encoder.runs, 1);
});

test("answers not-yet after twelve seconds without the sound", async () => {
  await using fixture = await start(66);
  const asked = fixture.get("one", "p65.m4s");
  await waits(fixture, 1);
  const beganMs = fixture.clock.monotonicMs();
  let isAnswered = false;
  void asked.then(() => {
    isAnswered = true;
  });
  await advanceUntil(fixture.clock, () => isAnswered);
  const { status, headers, body } = await asked;
  assert.ok(fixture.clock.monotonicMs() - beganMs >= 11_900);
  assert.deepEqual([status, headers["retry-after"], JSON.parse(String(body)).error], [503, "1", "not-yet"]);
});

test("refuses one request more than may wait, until a waiting one is aborted", async () => {
  await using fixture = await start(66, { maxWaiting: 2 });
  const leave = new AbortController();
  const left = fixture.get("one", "p65.m4s", leave.signal);
  const stays = fixture.get("one", "index.m3u8?_HLS_msn=3&_HLS_part=1");
  await waits(fixture, 2);
  const { status, headers, body } = await fixture.get("one", "index.m3u8?_HLS_msn=3&_HLS_part=2");
  assert.deepEqual([status, headers["retry-after"], JSON.parse(String(body)).error], [503, "1", "full"]);
  leave.abort();
  await assert.rejects(left, { name: "AbortError" });
  await waits(fixture, 1);
  const comes = fixture.get("one", "p65.m4s");
  await waits(fixture, 2);
  for (let slot = 66; slot < 71; slot++) fixture.speak(slot);
  assert.deepEqual([(await comes).status, (await stays).status], [200, 200]);
});

test("refuses requests that are too far ahead, malformed, unknown or expired, and encodes nothing", async () => {
  const encoder = countingEncoder();
  await using fixture = await start(400, { encoder });
  const error = async (path: string) => {
    const { status, body } = await fixture.get("one", path);
    return [status, JSON.parse(String(body)).error];
  };
  for (const query of [
    ...["_HLS_msn=22", "_HLS_msn=99999999999", "_HLS_msn=19&_HLS_part=9", "_HLS_part=1", "_HLS_msn=x"],
    ...["_HLS_msn=-1", "_HLS_msn=19&_HLS_part=-1", "_HLS_msn=19&_HLS_part=1e3"],
  ])
    assert.deepEqual(await error(`index.m3u8?${query}`), [400, "bad-request"], query);
  for (const path of [
    ...["p5.m4s", "p391.m4s", "p420.m4s", "s400000.m4s", "s5.m4s", "p-1.m4s", "p05.m4s", "p1e2.m4s", "x"],
    ...["p99999999999.m4s", "plain.m3u"],
  ])
    assert.deepEqual(await error(path), [404, "no-object"], path);
  assert.equal(encoder.runs, 0);
});

test("encodes a part on request only, once, and again after a failure", async () => {
  const encoder = countingEncoder(1);
  await using fixture = await start(66, { encoder });
  for (const path of ["index.m3u8", "plain.m3u8", "init.mp4"]) await fixture.get("one", path);
  assert.equal(encoder.runs, 0);
  assert.equal((await fixture.get("one", "p5.m4s")).status, 500);
  const two = await Promise.all([fixture.get("one", "p5.m4s"), fixture.get("one", "p5.m4s")]);
  assert.deepEqual([two[0]?.status, two[0]?.body], [200, two[1]?.body]);
  assert.equal(encoder.runs, 2);
  const { body } = await fixture.get("one", "s0.m4s");
  assert.equal(encoder.runs, 5);
  const parts: Buffer[] = [];
  for (const path of ["p0.m4s", "p5.m4s", "p10.m4s", "p15.m4s"]) parts.push((await fixture.get("one", path)).body);
  assert.deepEqual(Buffer.concat(parts), body);
  assert.equal(encoder.runs, 5);
});

test("ends the playlist with the last part, which may be short", async () => {
  await using fixture = await start(66);
  const waiting = fixture.get("one", "index.m3u8?_HLS_msn=3&_HLS_part=1");
  await waits(fixture, 1);
  await fixture.log.appendState(66, fixture.clock.utcMs(), { kind: "ended" });
  await fixture.clock.advanceAsync(1_000);
  assert.match(String((await waiting).body), /#EXTINF:1.19467,\ns60.m4s\n#EXT-X-ENDLIST\n$/);
  assert.match(await textOf(fixture, "plain.m3u8"), /#EXTINF:1.19467,\ns60.m4s\n#EXT-X-ENDLIST\n$/);
  const [whole, ...parts] = await Promise.all(["s60", "p60", "p65"].map((name) => fixture.get("one", `${name}.m4s`)));
  assert.deepEqual(Buffer.concat(parts.map(({ body }) => body)), whole?.body);
});

test("answers not-yet before the first part, and for a plain playlist before the first segment", async () => {
  await using fixture = await start(5);
  assert.equal((await fixture.get("one", "index.m3u8")).status, 503);
  fixture.speak(5);
  await until("the first part", async () => (await fixture.get("one", "index.m3u8")).status === 200);
  const { status, headers } = await fixture.get("one", "plain.m3u8");
  assert.deepEqual([status, headers["retry-after"]], [503, "1"]);
});

test("makes the same bytes in two packagers that began to follow at different times", async () => {
  const sound = Float32Array.from({ length: 400 * SLOT_SAMPLES }, (_, i) => Math.sin(i * i * 1e-7) / 4);
  await using fixture = await start(120, { sound });
  const names = ["p85", "p90", "p95", "p100", "p105", "p110", "s80", "s90"].map((name) => `${name}.m4s`);
  const early = await Promise.all(names.map((name) => fixture.get("one", name)));
  for (let slot = 120; slot < 384; slot++) fixture.speak(slot);
  const late = await Promise.all(names.map((name) => fixture.get("other", name)));
  assert.deepEqual(
    late.map(({ status }) => status),
    [404, 200, 200, 200, 200, 200, 404, 404],
  );
  for (const [i, { status, body }] of late.entries()) {
    if (status === 200) assert.deepEqual(body, early[i]?.body, `${names[i]}`);
  }
});
