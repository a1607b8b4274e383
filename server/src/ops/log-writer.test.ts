import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { createLogWriter, MAX_UNWRITTEN_BYTES } from "./log-writer.ts";

/** A writer whose descriptor answers when the test says so. */
function start() {
  const clock = manualClock();
  const tried: string[] = [];
  const synced: string[] = [];
  let done: ((error: NodeJS.ErrnoException | null, writtenBytes: number) => void) | undefined;
  let isFull = false;
  const descriptor = {
    write(bytes: Uint8Array, answer: typeof done) {
      tried.push(String(Buffer.from(bytes)));
      done = answer;
    },
    writeSync(bytes: Uint8Array) {
      if (isFull) throw new Error("no space left");
      synced.push(String(Buffer.from(bytes)));
    },
  };
  return {
    clock,
    tried,
    synced,
    writer: createLogWriter(descriptor as never, clock),
    answer: (code?: string, writtenBytes = 0) => done?.(code === undefined ? null : ({ code } as never), writtenBytes),
    fill: () => {
      isFull = true;
    },
  };
}

test("writes lines in order, those that came meanwhile together, and the rest of a short write", () => {
  const { writer, tried, answer } = start();
  for (const line of ["a\n", "b\n", "c\n"]) writer.write(line);
  assert.deepEqual(tried, ["a\n"]);
  answer(undefined, 2);
  answer(undefined, 1);
  assert.deepEqual(tried, ["a\n", "b\nc\n", "\nc\n"]);
  answer(undefined, 3);
  assert.equal(writer.unwrittenBytes, 0);
});

test("drops what a full disk or a closed pipe refuses, and writes again when that is over", () => {
  for (const code of ["ENOSPC", "EPIPE", "EIO"]) {
    const { writer, tried, answer } = start();
    writer.write("a\n");
    answer(code);
    assert.equal(writer.unwrittenBytes, 0);
    writer.write("b\n");
    assert.deepEqual(tried, ["a\n", "b\n"]);
  }
});

test("tries again a descriptor that is full for a moment", async () => {
  const { writer, tried, answer, clock } = start();
  writer.write("a\n");
  answer("EAGAIN");
  assert.equal(tried.length, 1);
  await clock.advanceAsync(100);
  assert.deepEqual(tried, ["a\n", "a\n"]);
});

test("drops lines beyond its limit while a reader stands still", () => {
  const { writer } = start();
  const line = `${"x".repeat(1_023)}\n`;
  for (let i = 0; i < 2_000; i++) writer.write(line);
  assert.equal(writer.unwrittenBytes, MAX_UNWRITTEN_BYTES);
});

test("at the end of the process writes what is left once, and waits neither for a full disk nor for a stalled reader", async () => {
  const healthy = start();
  for (const line of ["a\n", "b\n"]) healthy.writer.write(line);
  healthy.writer.flush();
  assert.deepEqual(healthy.synced, ["b\n"]);
  healthy.writer.flush();
  assert.deepEqual(healthy.synced, ["b\n"]);
  const full = start();
  full.fill();
  for (const line of ["a\n", "b\n"]) full.writer.write(line);
  full.writer.flush();
  const stalled = start();
  for (const line of ["a\n", "b\n"]) stalled.writer.write(line);
  await stalled.clock.advanceAsync(1_000);
  stalled.writer.flush();
  assert.deepEqual(stalled.synced, []);
});
