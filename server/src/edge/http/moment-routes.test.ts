import assert from "node:assert/strict";
import { test } from "node:test";
import { readMomentObject } from "@hustings/wire/listen/moments.ts";
import { fakeDesk } from "../../replica/testing/fake-desk.ts";
import { appendSlot, SPACE } from "../../replica/testing/fake-upstream.ts";
import { advanceUntil, get, listen, startFixture } from "../testing/edge-fixture.ts";

const FOLDER = `/hls/${SPACE}/moments`;

test("serves moments by push and by pull at the door, and the same object at every edge", async () => {
  const desk = fakeDesk();
  await using one = await startFixture();
  const { clock } = one;
  const upstream = { ...one.stage, followMoments: desk.followMoments };
  await using served = await startFixture({ upstream, clock });
  await using other = await startFixture({ upstream, clock });
  const log = await one.stage.create(SPACE);
  const lane = await desk.open(SPACE);
  for (let slot = 0; slot < 25; slot++) appendSlot(log, slot);
  await lane.appendMoment(12, 7, { kind: "comment", text: "Héllo" } as { kind: string });
  const listener = listen(served.edge.port);
  await advanceUntil(clock, () => listener.got.some(({ kind }) => kind === "moments"));
  const [here, there] = await Promise.all([served, other].map(({ edge }) => get(edge.port, `${FOLDER}/10.json`)));
  assert.equal(here?.status, 200);
  assert.equal(here?.headers["cache-control"], "public, max-age=31536000, immutable");
  assert.equal(here?.headers["access-control-allow-origin"], "*");
  assert.equal(there?.body, here?.body);
  const { moments } = readMomentObject(Buffer.from(here?.body ?? "", "utf8"), 10);
  const pushed = listener.got.flatMap((message) => (message.kind === "moments" ? message.entries : []));
  assert.deepEqual(moments, pushed);
  assert.deepEqual(moments, [{ kind: "comment", text: "Héllo", seq: 1, slot: 12, utcMs: 7 }]);
  for (const [path, status] of [
    [`${FOLDER}/20.json`, 503],
    [`${FOLDER}/15.json`, 404],
    [`${FOLDER}/10.json/x`, 404],
    [`${FOLDER}`, 404],
  ] as const)
    assert.equal((await get(served.edge.port, path)).status, status, path);
});

test("an edge without a desk has no moments", async () => {
  await using fixture = await startFixture();
  const log = await fixture.stage.create(SPACE);
  for (let slot = 0; slot < 25; slot++) appendSlot(log, slot);
  const answer = await get(fixture.edge.port, `${FOLDER}/0.json`);
  assert.deepEqual([answer.status, answer.headers["access-control-allow-origin"]], [404, "*"]);
});
