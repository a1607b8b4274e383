import assert from "node:assert/strict";
import { test } from "node:test";
import { initSegment } from "@hustings/media/container/cmaf.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import fc from "fast-check";
import { createPullCount } from "../../hls/pull-count.ts";
import { blockingReloadOf } from "../../hls/rendition-responses.ts";
import { appendSlot, SPACE } from "../../replica/testing/fake-upstream.ts";
import { advanceUntil, get, listen, startFixture } from "../testing/edge-fixture.ts";

const FOLDER = `/hls/${SPACE}/32`;

/** A live space with the slots `[0, to)`. */
async function startLive(to: number, options: Parameters<typeof startFixture>[0] = {}) {
  const fixture = await startFixture(options);
  const log = await fixture.stage.create(SPACE);
  for (let slot = 0; slot < to; slot++) appendSlot(log, slot);
  return { ...fixture, log };
}

test("a multivariant playlist leads to both bitrates, and a media playlist to its parts", async () => {
  await using fixture = await startLive(47);
  const { port } = fixture.edge;
  const first = await get(port, ROUTES.hls(SPACE));
  assert.equal(first.headers["content-type"], "application/vnd.apple.mpegurl");
  assert.deepEqual(first.body.match(/^[^#].*$/gm), ["32/index.m3u8", "16/index.m3u8"]);
  const { status, body, headers } = await get(port, `${FOLDER}/index.m3u8`);
  assert.equal(status, 200);
  assert.equal(headers["cache-control"], "public, max-age=1");
  assert.deepEqual(body.match(/^[^#].*$/gm), ["s0.m4s", "s20.m4s"]);
  assert.match(
    body,
    /#EXT-X-PART:DURATION=1.00000,URI="p40.m4s",INDEPENDENT=YES\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p45.m4s"/,
  );
});

test("two edges serve the same bytes for parts and segments, cacheable for a year", async () => {
  await using one = await startLive(60);
  await using other = await startFixture({ upstream: one.stage, clock: one.clock });
  for (const path of ["p0.m4s", "p35.m4s", "s20.m4s", "init.mp4"]) {
    const [here, there] = await Promise.all([one, other].map(({ edge }) => get(edge.port, `${FOLDER}/${path}`)));
    assert.equal(here?.status, 200, path);
    assert.equal(here?.headers["cache-control"], "public, max-age=31536000, immutable");
    assert.equal(here?.body, there?.body, path);
  }
  assert.equal((await get(one.edge.port, `${FOLDER}/init.mp4`)).headers["content-length"], `${initSegment().length}`);
});

test("a blocking reload and a hinted part wait for their sound, and every request for the same is answered", async () => {
  await using fixture = await startLive(45);
  const { port } = fixture.edge;
  const answers = Promise.all([
    get(port, `${FOLDER}/index.m3u8?_HLS_msn=2&_HLS_part=1`),
    get(port, `${FOLDER}/index.m3u8?_HLS_msn=2&_HLS_part=1`),
    get(port, `${FOLDER}/p45.m4s`),
  ]);
  await advanceUntil(fixture.clock, () => fixture.edge.hlsWaiting === 3);
  for (let slot = 45; slot < 50; slot++) appendSlot(fixture.log, slot);
  const [playlist, again, part] = await answers;
  assert.match(playlist.body, /URI="p45.m4s",INDEPENDENT/);
  assert.equal(playlist.body, again.body);
  assert.equal(playlist.headers["cache-control"], "public, max-age=4");
  assert.equal(part.status, 200);
});

test("gives up a wait after twelve seconds with a retry time", async () => {
  await using fixture = await startLive(45);
  const asked = get(fixture.edge.port, `${FOLDER}/index.m3u8?_HLS_msn=2&_HLS_part=1`);
  await advanceUntil(fixture.clock, () => fixture.edge.hlsWaiting === 1);
  const beganMs = fixture.clock.monotonicMs();
  await advanceUntil(fixture.clock, () => fixture.edge.hlsWaiting === 0);
  const { status, headers, body } = await asked;
  assert.equal(fixture.clock.monotonicMs() - beganMs >= 11_900, true);
  assert.deepEqual([status, headers["retry-after"], JSON.parse(body).error], [503, "1", "not-yet"]);
});

test("a page of another origin may read sound and refusals, and pages may take sound from the CDN", async () => {
  await using fixture = await startLive(3, { pullUrl: "https://cdn.example" });
  const { port } = fixture.edge;
  const refused = await get(port, `${FOLDER}/index.m3u8`);
  assert.deepEqual([refused.status, refused.headers["retry-after"]], [503, "1"]);
  for (const { headers } of [refused, await get(port, `${FOLDER}/init.mp4`), await get(port, ROUTES.hls(SPACE))]) {
    assert.equal(headers["access-control-allow-origin"], "*");
    assert.equal(headers["access-control-expose-headers"], "retry-after");
  }
  const policy = String((await get(port, ROUTES.page(SPACE))).headers["content-security-policy"]);
  assert.match(policy, /connect-src [^;]* https:\/\/cdn\.example;/);
  assert.match(policy, /media-src [^;]* https:\/\/cdn\.example;/);
});

test("reports listeners that pull to the stage beside those that are pushed to, each once", async () => {
  await using fixture = await startLive(47);
  const { port } = fixture.edge;
  const expected = createPullCount(fixture.clock);
  for (let exchange = 0; exchange < 20; exchange++) {
    const agent = `browser ${exchange % 10}`;
    expected.count("127.0.0.1", agent);
    await get(port, `${FOLDER}/index.m3u8`, { "user-agent": agent });
  }
  assert.ok(expected.estimate >= 4 && expected.estimate <= 10, `${expected.estimate} told apart`);
  const listener = listen(port);
  await advanceUntil(fixture.clock, () => listener.got.length > 0);
  await advanceUntil(fixture.clock, () => fixture.stage.reportedAudiences.at(-1) === expected.estimate + 1);
  listener.socket.terminate();
});

test("refuses a waiting request beyond the limit at once", async () => {
  await using fixture = await startLive(45, { limits: { hlsWaiting: 1 } });
  const waiting = get(fixture.edge.port, `${FOLDER}/p45.m4s`).catch(() => undefined);
  await advanceUntil(fixture.clock, () => fixture.edge.hlsWaiting === 1);
  const { status, headers } = await get(fixture.edge.port, `${FOLDER}/p45.m4s`);
  assert.deepEqual([status, headers["retry-after"]], [503, "1"]);
  for (let slot = 45; slot < 50; slot++) appendSlot(fixture.log, slot);
  assert.equal((await waiting)?.status, 200);
});

test("refuses what is too far ahead, malformed, unknown or gone, each with its own error", async () => {
  await using fixture = await startLive(400);
  const errors = async (path: string) => {
    const { status, body } = await get(fixture.edge.port, path);
    return [status, JSON.parse(body).error];
  };
  for (const query of ["_HLS_msn=22", "_HLS_msn=99999", "_HLS_msn=20&_HLS_part=9", "_HLS_part=1", "_HLS_msn=x"])
    assert.deepEqual(await errors(`${FOLDER}/index.m3u8?${query}`), [400, "bad-request"], query);
  for (const path of ["p5.m4s", "p391.m4s", "p420.m4s", "s400000.m4s", "p-1.m4s", "x", "init.mp4/x"])
    assert.deepEqual(await errors(`${FOLDER}/${path}`), [404, "no-object"], path);
  assert.deepEqual(await errors(`/hls/${SPACE}/64/index.m3u8`), [404, "no-object"]);
  assert.deepEqual(await errors("/hls/nospace000/index.m3u8"), [404, "no-space"]);
});

test("a playlist is not yet there before the first part, and ends after the end of the space", async () => {
  await using fixture = await startLive(3);
  const { port } = fixture.edge;
  assert.equal((await get(port, `${FOLDER}/index.m3u8`)).status, 503);
  for (let slot = 3; slot < 48; slot++) appendSlot(fixture.log, slot);
  const waiting = get(port, `${FOLDER}/index.m3u8?_HLS_msn=2&_HLS_part=2`);
  await advanceUntil(fixture.clock, () => fixture.edge.hlsWaiting === 1);
  await fixture.log.appendState(48, fixture.clock.utcMs(), { kind: "ended" });
  await advanceUntil(fixture.clock, () => fixture.edge.hlsWaiting === 0);
  const { body } = await waiting;
  assert.match(body, /#EXTINF:1.60000,\ns40.m4s\n#EXT-X-ENDLIST\n$/);
  assert.equal((await get(port, `${FOLDER}/s40.m4s`)).status, 200);
});

test("understands any reload query or refuses it as bad", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (number, part) => {
      const query = new URLSearchParams({ _HLS_msn: number, _HLS_part: part });
      try {
        const asked = blockingReloadOf(query);
        assert.ok(asked && Number.isSafeInteger(asked.number) && Number.isSafeInteger(asked.part));
      } catch (cause) {
        assert.equal((cause as { code: string }).code, "bad-request");
      }
    }),
  );
});
