import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { ROUTES } from "@hustings/wire/routes.ts";
import { until } from "../../../test/testing/until.ts";
import type { EdgeLimits } from "../edge/edge-limits.ts";
import { get, startFixture as startEdgeFixture } from "../edge/testing/edge-fixture.ts";
import { countingEncoder, startFixture } from "../packager/testing/packager-fixture.ts";
import { SPACE } from "../replica/testing/fake-upstream.ts";

const FOLDER = `/hls/${SPACE}/aac`;

async function start(limits: Partial<EdgeLimits> = {}) {
  await using starting = new AsyncDisposableStack();
  const packager = starting.use(await startFixture({ slots: 66, encoder: countingEncoder() }));
  const { stage: upstream, clock, socketPath: packagerSocketPath } = packager;
  const { edge } = starting.use(await startEdgeFixture({ upstream, clock, packagerSocketPath, limits }));
  const running = starting.move();
  return {
    packager,
    get: (path: string) => get(edge.port, path),
    /** Sends a request that `leave` cancels. */
    ask(path: string) {
      const asked = request({ host: "127.0.0.1", port: edge.port, path, agent: false });
      asked.on("error", () => undefined);
      asked.end();
      return { leave: () => void asked.destroy() };
    },
    waits: (requests: number) => until(`${requests} to wait`, async () => (await packager.waiting()) === requests),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

test("an edge serves AAC from the packager, reports it in the Opus playlist, and lets players wait for parts", async () => {
  await using fixture = await start();
  assert.match((await fixture.get(ROUTES.hls(SPACE))).body, /CODECS="mp4a.40.2"\naac\/index.m3u8\n$/);
  const opus = (await fixture.get(`/hls/${SPACE}/32/index.m3u8`)).body;
  assert.match(
    opus,
    /REPORT:URI="..\/16\/index.m3u8",LAST-MSN=3,LAST-PART=0\n.*"..\/aac\/index.m3u8",LAST-MSN=3,LAST-PART=0\n$/,
  );
  const reload = fixture.get(`${FOLDER}/index.m3u8?_HLS_msn=3&_HLS_part=1`);
  await fixture.waits(1);
  for (let slot = 66; slot < 71; slot++) fixture.packager.speak(slot);
  const { status, headers, body } = await reload;
  assert.deepEqual(
    [status, headers["cache-control"], headers["access-control-allow-origin"]],
    [200, "public, max-age=4", "*"],
  );
  assert.match(body, /URI="p65.m4s",INDEPENDENT/);
  assert.match((await fixture.get(`${FOLDER}/plain.m3u8`)).body, /s40.m4s\n$/);
  assert.equal(
    (await fixture.get(`${FOLDER}/p65.m4s`)).headers["cache-control"],
    "public, max-age=31536000, immutable",
  );
});

test("a request that is cancelled at the edge is cancelled at the packager", async () => {
  await using fixture = await start();
  const asked = ["p65.m4s", "index.m3u8?_HLS_msn=3&_HLS_part=1"].map((path) => fixture.ask(`${FOLDER}/${path}`));
  await fixture.waits(2);
  for (const one of asked) one.leave();
  await fixture.waits(0);
});

test("refuses requests beyond the limit for the packager, and still answers those within it", async () => {
  await using fixture = await start({ packagerRequests: 1 });
  const asked = fixture.ask(`${FOLDER}/p65.m4s`);
  await fixture.waits(1);
  const { status, body } = await fixture.get(`${FOLDER}/p0.m4s`);
  assert.deepEqual([status, JSON.parse(body).error], [503, "full"]);
  asked.leave();
  await until("room", async () => (await fixture.get(`${FOLDER}/p0.m4s`)).status === 200);
});
