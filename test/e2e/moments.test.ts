// Moments end to end: a desk that the test runs writes them, two edges deliver them by push and by pull beside the sound of
// a real stage.

import assert from "node:assert/strict";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../../flow/clock.ts";
import { type HeadlessListener, startHeadlessListener } from "../../listener/headless/headless.ts";
import { openPull } from "../../listener/hls/pull.ts";
import { PushOrPull } from "../../listener/hls/push-or-pull.ts";
import { type WebSocketClass, webSocketTransport } from "../../listener/session/transport.ts";
import { type Edge, startEdge } from "../../server/src/edge/edge.ts";
import { followSpace } from "../../server/src/log/follow/follow-client.ts";
import { serveFollowers } from "../../server/src/log/follow/follow-server.ts";
import { createMemoryMoments } from "../../server/src/log/memory/memory-moments.ts";
import type { MomentLog } from "../../server/src/log/port.ts";
import { runDirectory } from "../../server/src/ops/process/run-directory.ts";
import type { SpaceId } from "../../wire/ids.ts";
import { NEWCOMER_MOMENTS } from "../../wire/listen/moments.ts";
import type { RoomDocument } from "../../wire/listen/room-document.ts";
import { ROUTES } from "../../wire/routes.ts";
import { startLiveSpace } from "../testing/fake-speaker.ts";
import { type RunningServer, startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";

interface Audience {
  readonly headless: HeadlessListener;
  readonly seqs: readonly number[];
}

/** The newest moments before anybody listens; some leave the window of a newcomer. */
const EARLIER = 30;
const WRITE_MS = 150;

/** An edge beside those of the server, that also follows the desk at `momentsPath`. */
function startEdgeAt({ dataDir }: RunningServer, momentsPath: string): Promise<Edge> {
  const run = runDirectory(dataDir);
  return startEdge({
    clock: systemClock,
    followPath: run.followSocket,
    stageSocketPath: run.stageSocket,
    apiSocketPath: run.apiSocket,
    momentsPath,
    stagePort: 0,
    assetsDirectory: "does-not-exist",
    listen: { host: "127.0.0.1", port: 0 },
  });
}

function listenBy(edge: Edge, space: SpaceId, transport?: PushOrPull["transport"]): Audience {
  const seqs: number[] = [];
  const headless = startHeadlessListener({
    url: `ws://127.0.0.1:${edge.port}${ROUTES.listen(space)}`,
    verify: true,
    onMoments: (moments) => seqs.push(...moments.map(({ seq }) => seq)),
    ...(transport === undefined ? {} : { transport }),
  });
  return { headless, seqs };
}

/** Pulls until `toPush` is called. */
async function pullFrom(edge: Edge, space: SpaceId) {
  const doorUrl = `http://127.0.0.1:${edge.port}`;
  const room = (await (await fetch(doorUrl + ROUTES.room(space))).json()) as RoomDocument;
  const delivery = new PushOrPull({
    push: webSocketTransport((globalThis as unknown as { WebSocket: WebSocketClass }).WebSocket),
    loadPull: async () => ({ openPull }),
    hlsUrl: doorUrl + ROUTES.hls(space),
  });
  delivery.onRoom({ ...room, tier: "pull", pull: null });
  const audience = listenBy(edge, space, delivery.transport);
  const toPush = () => delivery.onRoom({ ...room, tier: "push", again: { afterMs: 100, spreadMs: 0 } });
  return { ...audience, delivery, toPush };
}

function createWriter(lane: MomentLog, slotNow: () => number) {
  let written = 0;
  return {
    get written() {
      return written;
    },
    async write(count: number, everyMs = WRITE_MS) {
      for (let i = 0; i < count; i++) {
        const comment = { kind: "comment", text: `Comment ${written + 1}` };
        written = (await lane.appendMoment(slotNow(), systemClock.utcMs(), comment)).seq;
        await pause(everyMs);
      }
    },
  };
}

function isUnbroken(seqs: readonly number[]): boolean {
  return seqs.every((seq, i) => i === 0 || seq === (seqs[i - 1] as number) + 1);
}

function assertSound({ headless }: Audience, who: string): void {
  const { badFrames, skippedSlots } = headless.stats();
  assert.deepEqual([headless.faults, badFrames, skippedSlots], [[], 0, 0], who);
}

/** Moments that the stage's own followers receive. */
async function momentSeqAtStage({ dataDir }: RunningServer, space: SpaceId): Promise<number> {
  const stop = new AbortController();
  const { heads } = followSpace({
    ...{ path: runDirectory(dataDir).followSocket, clock: systemClock, space, renditions: [] },
    cursor: { nextSlot: 0, stateSeq: 0, momentSeq: 0 },
    signal: stop.signal,
  });
  const { momentSeq } = await heads;
  stop.abort();
  return momentSeq;
}

test("moments reach every listener once and in order, by push and by pull, beside the stage and without harm to sound", async () => {
  await using server = await startServer();
  using live = await startLiveSpace(server, "With comments");
  const { id } = live.space;
  const path = join(server.dataDir, "run", "desk.sock");
  await using store = createMemoryMoments();
  const lane = (await store.open(id)) as MomentLog;
  const openDesk = () =>
    serveFollowers({ path, clock: systemClock, logOf: (space) => (space === id ? lane : undefined) });
  const desk = await openDesk();
  await using one = await startEdgeAt(server, path);
  await using other = await startEdgeAt(server, path);
  using listeners = new DisposableStack();
  const guide = listenBy(one, id);
  listeners.use(guide.headless);
  await until("the first sound", () => guide.headless.session.headSlot !== undefined);
  const writer = createWriter(lane, () => guide.headless.session.headSlot ?? 0);
  await writer.write(EARLIER, 0);
  await until("the first moments", () => guide.seqs.at(-1) === EARLIER);

  const pushed = listenBy(other, id);
  listeners.use(pushed.headless);
  const pulled = await pullFrom(other, id);
  listeners.use(pulled.headless);
  const everyone = [guide, pushed, pulled];
  const allHave = () => everyone.every(({ seqs }) => seqs.at(-1) === writer.written);
  await until("sound for everyone", () => everyone.every(({ headless }) => headless.session.link === "following"));
  await writer.write(30);
  await until("all moments at everyone", allHave);
  assert.equal(pushed.seqs[0], EARLIER + 1 - NEWCOMER_MOMENTS);
  assert.equal(pulled.delivery.delivery, "pull");

  pushed.headless.session.setOnline(false);
  await writer.write(10);
  pushed.headless.session.setOnline(true);
  await until("the moments of the time away", allHave);

  await desk[Symbol.asyncDispose]();
  await writer.write(5);
  await using _desk = await openDesk();
  await until("the moments of the time without a desk", allHave);

  pulled.toPush();
  await writer.write(10);
  await until("the way back to push", () => pulled.delivery.delivery === "push");
  await writer.write(10);
  await until("the moments by push", allHave);

  for (const [i, { seqs }] of everyone.entries()) assert.ok(isUnbroken(seqs), `listener ${i}: ${seqs.join(" ")}`);
  // The edge may reach the desk while the first moments are written; the guide is then a newcomer to those before.
  const first = guide.seqs[0] ?? 0;
  assert.ok(first >= 1 && first <= EARLIER + 1 - NEWCOMER_MOMENTS, `from ${first} on`);
  for (const [i, audience] of everyone.entries()) assertSound(audience, `listener ${i}`);
  assert.deepEqual(
    everyone.map(({ headless }) => headless.stats().connections),
    [1, 2, 1],
  );
  assert.equal(await momentSeqAtStage(server, id), 0);
  await assert.rejects(access(join(server.dataDir, "spaces", id, "moments.lane")));
});
