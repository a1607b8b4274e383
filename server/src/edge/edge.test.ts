import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/clock-manual.ts";
import { type Downward, decodeFrame } from "@hustings/wire/frames.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { WebSocket } from "ws";
import { type EdgeOptions, startEdge } from "./edge.ts";
import { fakeStage, SPACE, speak } from "./upstream-fake.ts";

async function startFixture(options: Partial<EdgeOptions> = {}) {
  const clock = manualClock();
  const stage = fakeStage(clock);
  const edge = await startEdge({
    clock,
    followPath: "",
    stageSocketPath: `${tmpdir()}/none.sock`,
    apiSocketPath: `${tmpdir()}/none.sock`,
    stagePort: 8444,
    assetsDirectory: "does-not-exist",
    listen: { host: "127.0.0.1", port: 0 },
    upstream: stage,
    random: () => 0.5,
    ...options,
  });
  return { clock, stage, edge, [Symbol.asyncDispose]: () => edge[Symbol.asyncDispose]() };
}

/** A listener that keeps all it gets; `until` waits for a condition on it. */
function listen(port: number, path = `/listen/${SPACE}`, protocol = "hustings.1") {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocol);
  const got: Downward[] = [];
  let closed: { code: number; reason: string } | undefined;
  let wake = () => {};
  socket.on("error", () => undefined);
  socket.on("message", (bytes) => {
    const frame = decodeFrame(bytes as Buffer);
    if (frame) got.push(frame);
    wake();
  });
  socket.on("close", (code, reason) => {
    closed = { code, reason: String(reason) };
    wake();
  });
  return {
    socket,
    got,
    slots: () => got.flatMap((one) => (one.kind === "sound" ? one.fragments.map(({ slot }) => slot) : [])),
    async until(condition: () => boolean) {
      while (!condition()) {
        assert.ok(closed === undefined || condition(), `closed ${closed?.code} ${closed?.reason}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    async closed() {
      if (!closed) await once(socket, "close");
      return closed as { code: number; reason: string };
    },
  };
}

/** Moves the clock on in steps of a spoke until `condition` holds; sockets get their turn between. */
async function advanceUntil(clock: ReturnType<typeof manualClock>, condition: () => boolean) {
  while (!condition()) {
    await clock.advanceAsync(10);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function get(port: number, path: string, headers: Record<string, string> = {}, method = "GET", body = "") {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (some) => {
        text += some;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

test("a listener gets a snapshot, enough sound to play at once, and then every slot in order", async () => {
  await using fixture = await startFixture();
  const { stage, edge, clock } = fixture;
  const log = await stage.create(SPACE);
  for (let slot = 0; slot < 100; slot++) speak(log, slot);
  const listener = listen(edge.port);
  await listener.until(() => listener.slots().length > 0);
  const [first, second] = listener.got;
  assert.equal(first?.kind, "snapshot");
  assert.equal(second?.kind, "sound");
  assert.deepEqual(
    listener.slots(),
    Array.from({ length: 9 }, (_, i) => 91 + i),
  );
  if (first?.kind === "snapshot") {
    assert.equal(first.snapshot.headSlot, 99);
    assert.equal(first.snapshot.nextSlot, 91);
    assert.equal(first.snapshot.cadenceMs, 200);
    assert.equal(first.snapshot.state.title, "A title");
  }
  for (let slot = 100; slot < 110; slot++) {
    speak(log, slot);
    await clock.advanceAsync(200);
  }
  await advanceUntil(clock, () => listener.slots().at(-1) === 109);
  assert.deepEqual(
    listener.slots(),
    Array.from({ length: 19 }, (_, i) => 91 + i),
  );
});

test("an unknown space is closed with 4404, and its room is 404", async () => {
  await using fixture = await startFixture();
  const { edge } = fixture;
  assert.equal((await listen(edge.port, "/listen/nosuch0000").closed()).code, 4404);
  assert.equal((await listen(edge.port, "/listen/not-an-id").closed()).code, 4404);
  assert.equal((await get(edge.port, `/api/spaces/${"nosuch0000" as SpaceId}/room`)).status, 404);
});
