import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { PersonId } from "@hustings/wire/ids.ts";
import {
  COMMANDS_BY_PERSON,
  type CommandLimits,
  type CommandSender,
  createCommandLimits,
  LISTENER_COMMANDS_BY_ADDRESS,
} from "./command-limits.ts";

const listener = (number: number, address?: string): CommandSender => {
  return { person: `g_${number}` as PersonId, standing: "listener", address };
};

/** Number of `senders` that are served; the others are refused with a time to wait. */
function served(limits: CommandLimits, senders: readonly CommandSender[]): number {
  return senders.filter((sender) => {
    try {
      limits.take(sender);
      return true;
    } catch (error) {
      assert.ok(error instanceof Refusal && error.code === "too-many" && (error.retryAfterMs ?? 0) > 0);
      return false;
    }
  }).length;
}

const times = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

test("serves the burst of one person and then the rate, over a call as over HTTP", () => {
  for (const address of ["192.0.2.1", undefined]) {
    const clock = manualClock();
    const limits = createCommandLimits(clock);
    const many = times(100, () => listener(1, address));
    assert.equal(served(limits, many), COMMANDS_BY_PERSON.listener.burst);
    clock.advance(10_000);
    assert.equal(served(limits, many), 10 * COMMANDS_BY_PERSON.listener.perSecond);
  }
});

test("serves 110 people of one address no more than the address may send", () => {
  const clock = manualClock();
  const limits = createCommandLimits(clock);
  let count = 0;
  const { perSecond, burst } = LISTENER_COMMANDS_BY_ADDRESS;
  for (let second = 0; second < 60; second++) {
    count += served(
      limits,
      times(400, (n) => listener(n % 110, "192.0.2.1")),
    );
    clock.advance(1_000);
  }
  assert.ok(count <= burst + 60 * perSecond, `${count} served`);
  assert.equal(served(limits, [listener(1_000, "192.0.2.2")]), 1, "another address");
});

test("people on the stage are not counted by address, and each has a limit of their own", () => {
  const limits = createCommandLimits(manualClock());
  served(
    limits,
    times(10_000, (n) => listener(n, "192.0.2.1")),
  );
  for (const standing of ["host", "seated"] as const) {
    const sender = { person: "g_1" as PersonId, standing, address: "192.0.2.1" };
    assert.equal(
      served(
        limits,
        times(1_000, () => sender),
      ),
      COMMANDS_BY_PERSON[standing].burst,
    );
  }
});

test("a refused command counts for nothing, neither for the person nor for the address", () => {
  const clock = manualClock();
  const limits = createCommandLimits(clock);
  served(
    limits,
    times(1_000, () => listener(1, "192.0.2.1")),
  );
  const left = LISTENER_COMMANDS_BY_ADDRESS.burst - COMMANDS_BY_PERSON.listener.burst;
  const others = times(1_000, (n) => listener(2 + n, "192.0.2.1"));
  assert.equal(served(limits, others), left);
  clock.advance(2_000);
  assert.equal(served(limits, [listener(1, "192.0.2.1")]), 1);
});
