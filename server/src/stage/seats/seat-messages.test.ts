import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import type { StageMessage } from "@hustings/wire/stage/data-channel.ts";
import fc from "fast-check";
import { createSeatMessages, MAX_COMMANDS_UNDER_WAY, MAX_MESSAGES_PER_SECOND, NO_ID } from "./seat-messages.ts";

function open(execute: (command: Command) => Promise<{ seq: number }> = async () => ({ seq: 7 })) {
  const clock = manualClock();
  const sent: StageMessage[] = [];
  const failures: unknown[] = [];
  const { receive } = createSeatMessages({
    clock,
    execute,
    send: (message) => sent.push(message),
    onFailure: (cause) => failures.push(cause),
  });
  return { clock, sent, failures, receive };
}

const message = (id: number, command: Command) => JSON.stringify({ kind: "command", id, command });

test("answers a command with its id and the entry's number, a ping with the time", async () => {
  const { clock, sent, receive } = open();
  receive(message(3, { do: "leave" }));
  receive(JSON.stringify({ kind: "ping", id: 4 }));
  await clock.advanceAsync(0);
  assert.deepEqual(sent, [
    { kind: "pong", id: 4, utcMs: clock.utcMs() },
    { kind: "done", id: 3, seq: 7 },
  ]);
});

test("answers a refusal by its row and our own failure as internal, and reports the failure with its cause", async () => {
  const causes = [new Refusal("host-only"), new Error("secret detail")];
  const { clock, sent, failures, receive } = open(async () => Promise.reject(causes.shift()));
  receive(message(1, { do: "live" }));
  receive(message(2, { do: "live" }));
  await clock.advanceAsync(0);
  assert.deepEqual(
    sent.map((one) => one.kind === "refused" && [one.id, one.error]),
    [
      [1, "host-only"],
      [2, "internal"],
    ],
  );
  assert.ok(!JSON.stringify(sent).includes("secret detail"));
  assert.equal(failures.length, 1);
});

test("refuses messages beyond twenty a second by their ids, and accepts more a second later", async () => {
  const { clock, sent, receive } = open();
  for (let id = 0; id < 50; id++) receive(JSON.stringify({ kind: "ping", id }));
  assert.equal(sent.filter(({ kind }) => kind === "pong").length, MAX_MESSAGES_PER_SECOND);
  const refused = sent.flatMap((one) => (one.kind === "refused" ? [one] : []));
  assert.deepEqual(
    refused.map(({ id, error }) => [id, error]),
    Array.from({ length: 30 }, (_, index) => [index + 20, "too-many"]),
  );
  clock.advance(1_000);
  receive(JSON.stringify({ kind: "ping", id: 99 }));
  assert.deepEqual(sent.at(-1), { kind: "pong", id: 99, utcMs: clock.utcMs() });
});

test("refuses commands while twenty are in progress", async () => {
  const { clock, sent, receive } = open(() => new Promise(() => {}));
  for (let id = 0; id < MAX_COMMANDS_UNDER_WAY + 5; id++) {
    receive(message(id, { do: "leave" }));
    clock.advance(100);
  }
  await clock.advanceAsync(0);
  assert.equal(sent.length, 5);
});

test("answers any text exactly once, and executes nothing when it refuses", async () => {
  const anyText = fc.oneof(
    fc.string(),
    fc.json(),
    fc.string({ minLength: 4_090, maxLength: 4_200 }),
    fc
      .record({ kind: fc.anything(), id: fc.anything(), command: fc.anything() })
      .map((value) => `${JSON.stringify(value)}`),
    fc
      .record({ kind: fc.constant("command"), id: fc.nat(), command: fc.object() })
      .map((value) => JSON.stringify(value)),
  );
  await fc.assert(
    fc.asyncProperty(anyText, async (text) => {
      const executed: Command[] = [];
      const { clock, sent, receive } = open(async (command) => {
        executed.push(command);
        return { seq: 1 };
      });
      receive(text);
      await clock.advanceAsync(0);
      assert.equal(sent.length, 1);
      const [answer] = sent;
      assert.ok(answer?.kind === "refused" || answer?.kind === "pong" || executed.length === 1);
      if (answer?.kind === "refused") assert.ok(Number.isSafeInteger(answer.id) && answer.id >= NO_ID);
    }),
  );
});
