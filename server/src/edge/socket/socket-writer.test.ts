import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { until } from "../../../../test/testing/until.ts";
import { JoinedFrames } from "./joined-frames.ts";
import { SocketWriter } from "./socket-writer.ts";

/** Both ends of a connection. `heard` is what the far end received; it reads only when asked to. */
async function startPair({ pauseOnConnect = false } = {}) {
  const server = createServer({ pauseOnConnect }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const far = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [near] = (await once(server, "connection")) as [Socket];
  const heard: Buffer[] = [];
  far.pause();
  far.on("data", (some: Buffer) => heard.push(some));
  near.on("error", () => undefined);
  far.on("error", () => undefined);
  far.pause();
  return {
    near,
    far,
    get heard() {
      return Buffer.concat(heard);
    },
    async [Symbol.asyncDispose]() {
      near.destroy();
      far.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("the pinned Node lets bytes go straight to the kernel", async () => {
  await using pair = await startPair();
  const writer = new SocketWriter(pair.near);
  assert.ok(writer.isDirect);
  writer.write(Buffer.from("one"));
  assert.equal(pair.near.bytesWritten, 0);
  assert.equal(writer.unsentBytes, 0);
  pair.far.resume();
  await until("it to come", () => pair.heard.toString() === "one");
});

test("sends held, queued and partly accepted bytes once and in order", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("write" as const), bytes: fc.integer({ min: 1, max: 400_000 }) }),
    fc.record({ do: fc.constantFrom("hold" as const, "release" as const, "turn" as const), bytes: fc.constant(0) }),
  );
  const run = async (steps: readonly { do: string; bytes: number }[]): Promise<void> => {
    await using pair = await startPair();
    const writer = new SocketWriter(pair.near);
    const written: Buffer[] = [];
    let flushed = 0;
    for (const { do: what, bytes } of steps) {
      if (what === "hold") writer.hold();
      if (what === "release") writer.release();
      if (what === "turn") await new Promise((resolve) => setImmediate(resolve));
      if (what !== "write") continue;
      const frame = Buffer.alloc(bytes, written.length + 1);
      written.push(frame);
      writer.write(frame, () => {
        flushed += 1;
      });
    }
    pair.far.resume();
    writer.end();
    await once(pair.far, "end");
    assert.ok(pair.heard.equals(Buffer.concat(written)));
    await until("every callback", () => flushed === written.length);
    assert.equal(writer.unsentBytes, 0);
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), run), { numRuns: 60 });
});

test("counts what a slow reader does not take as unsent until it does", async () => {
  await using pair = await startPair();
  const writer = new SocketWriter(pair.near);
  const frame = Buffer.alloc(64 * 1024);
  let count = 0;
  while (writer.unsentBytes === 0) {
    writer.write(frame);
    count += 1;
  }
  writer.hold();
  const before = writer.unsentBytes;
  writer.write(frame);
  assert.equal(writer.unsentBytes, before + frame.length);
  writer.release();
  pair.far.resume();
  await until("it to be taken", () => writer.unsentBytes === 0);
  await until("it to come", () => pair.heard.length === (count + 1) * frame.length);
});

test("writes nothing to the descriptor of a destroyed socket", async () => {
  for (const end of ["destroy", "resetAndDestroy", "destroySoon"] as const) {
    await using pair = await startPair();
    const writer = new SocketWriter(pair.near);
    pair.near[end]();
    await until("it to be destroyed", () => pair.near.destroyed);
    assert.equal(writer.isDirect, false, end);
  }
});

test("a write to a closed peer destroys the socket without an error, and reports it to every waiting callback", async () => {
  for (const isHeld of [false, true]) {
    // Nothing is read here, so that only a write can discover the closed peer.
    await using pair = await startPair({ pauseOnConnect: true });
    const writer = new SocketWriter(pair.near);
    const errors: Error[] = [];
    pair.near.on("error", (error) => errors.push(error));
    const closed = once(pair.near, "close");
    let flushed = 0;
    pair.far.resetAndDestroy();
    await once(pair.far, "close");
    if (isHeld) writer.hold();
    for (let frames = 0; frames < 2; frames++) writer.write(Buffer.from("for nobody"), () => void flushed++);
    writer.release();
    assert.ok(pair.near.destroyed);
    assert.deepEqual([writer.isDirect, writer.unsentBytes], [false, 0]);
    await closed;
    await until("every callback", () => flushed === 2);
    assert.deepEqual(errors, []);
  }
});

test("joined frames reach each of several sockets whole and in order", async () => {
  await using all = new AsyncDisposableStack();
  const frames = [Buffer.from("state, "), Buffer.alloc(8_000, "s")];
  const joined = new JoinedFrames();
  for (let count = 0; count < 3; count++) {
    const pair = all.use(await startPair());
    const writer = new SocketWriter(pair.near, joined);
    let flushed = 0;
    writer.hold();
    for (const frame of frames) writer.write(frame, () => void flushed++);
    writer.release();
    pair.far.resume();
    await until("them to come", () => pair.heard.equals(Buffer.concat(frames)) && flushed === 2);
  }
});

test("writes nothing to a descriptor that another socket has taken over", async () => {
  await using first = await startPair();
  const writer = new SocketWriter(first.near);
  first.near.destroy();
  await once(first.near, "close");
  // This socket takes the descriptor that has become free.
  await using second = await startPair();
  await using third = await startPair();
  writer.write(Buffer.from("for nobody"));
  writer.hold();
  writer.write(Buffer.from("for nobody"));
  writer.write(Buffer.from("for nobody"));
  writer.release();
  for (const pair of [second, third]) {
    pair.far.resume();
    pair.near.end("own");
    await once(pair.far, "end");
    assert.equal(pair.heard.toString(), "own");
  }
});

test("writes to the stream when there is no descriptor", async () => {
  const heard: string[] = [];
  const stream = new Duplex({
    read() {},
    write(bytes, _encoding, done) {
      heard.push(String(bytes));
      done();
    },
  });
  const writer = new SocketWriter(stream);
  assert.equal(writer.isDirect, false);
  writer.hold();
  writer.write(Buffer.from("a"));
  writer.write(Buffer.from("b"));
  assert.deepEqual(heard, []);
  assert.equal(writer.unsentBytes, 2);
  writer.end();
  await once(stream, "finish");
  assert.deepEqual(heard, ["a", "b"]);
});
