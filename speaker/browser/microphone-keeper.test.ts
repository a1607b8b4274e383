import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { type ManualClock, manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { type Microphone, type MicrophoneCondition, type MicrophoneProblem, NoMicrophone } from "./microphone.ts";
import { MicrophoneKeeper } from "./microphone-keeper.ts";

interface FakeMicrophone extends Microphone {
  readonly name: string;
  readonly isClosed: boolean;
  become(condition: MicrophoneCondition): void;
}

let clock: ManualClock;
let opened: FakeMicrophone[];
let sent: string[];
/** Results of the next attempts to open a microphone; empty: they succeed. */
let problems: MicrophoneProblem[];
let isAllowed: boolean;
let keeper: MicrophoneKeeper;

beforeEach(() => {
  clock = manualClock();
  opened = [];
  sent = [];
  problems = [];
  isAllowed = true;
  keeper = new MicrophoneKeeper({
    clock,
    open: async (deviceId, onCondition) => {
      const problem = problems.shift();
      if (problem) throw new NoMicrophone(problem);
      const one = fakeMicrophone(deviceId ?? "default", onCondition);
      opened.push(one);
      return one;
    },
    isAllowed: async () => isAllowed,
    onOpened: async (microphone) => void sent.push((microphone as FakeMicrophone).name),
    onChange: () => undefined,
  });
});

function fakeMicrophone(name: string, onCondition: (condition: MicrophoneCondition) => void): FakeMicrophone {
  let condition: MicrophoneCondition = "working";
  let isClosed = false;
  return {
    name,
    stream: {} as MediaStream,
    unmuted: {} as MediaStream,
    deviceId: name,
    label: name,
    get condition() {
      return condition;
    },
    get isClosed() {
      return isClosed;
    },
    become(next) {
      condition = next;
      onCondition(next);
    },
    open: () => undefined,
    level: () => 0,
    measure: () => ({ rmsDb: -120, peak: 0 }),
    [Symbol.dispose]: () => {
      isClosed = true;
    },
  };
}

test("replaces a microphone that was unplugged by the default one", async () => {
  await keeper.use("headset");
  opened[0]?.become("ended");
  assert.equal(keeper.condition, "ended");
  await clock.advanceAsync(0);
  assert.equal(keeper.condition, "working");
  assert.deepEqual(sent, ["headset", "default"]);
  assert.equal(opened[0]?.isClosed, true);
});

test("tries again until a microphone is there, whether the devices change before or after the end", async () => {
  await keeper.use();
  keeper.mend();
  await clock.advanceAsync(0);
  assert.equal(opened.length, 1, "a working microphone is left alone");
  problems = ["missing", "busy"];
  opened[0]?.become("ended");
  await clock.advanceAsync(0);
  assert.equal(keeper.problem, "missing");
  keeper.mend();
  await clock.advanceAsync(0);
  assert.equal(keeper.problem, "busy");
  await clock.advanceAsync(3_000);
  assert.equal(keeper.problem, undefined);
  assert.equal(keeper.condition, "working");
});

test("does not ask the person for the microphone again, and reopens it once it is allowed", async () => {
  await keeper.use();
  isAllowed = false;
  opened[0]?.become("ended");
  await clock.advanceAsync(10_000);
  assert.equal(keeper.problem, "refused");
  assert.equal(keeper.condition, "ended");
  assert.equal(opened.length, 1);
  isAllowed = true;
  await clock.advanceAsync(3_000);
  assert.equal(keeper.problem, undefined);
  assert.equal(opened.length, 2);
});

test("leaves an interrupted microphone open, because the system gives it back", async () => {
  await keeper.use();
  opened[0]?.become("interrupted");
  await clock.advanceAsync(10_000);
  assert.equal(keeper.condition, "interrupted");
  opened[0]?.become("working");
  assert.equal(keeper.condition, "working");
  assert.equal(opened.length, 1);
});

test("two attempts at once leave one microphone open", async () => {
  await Promise.all([keeper.use("first"), keeper.use("second")]);
  assert.deepEqual(
    opened.map(({ name, isClosed }) => [name, isClosed]),
    [
      ["first", true],
      ["second", false],
    ],
  );
});

test("closing leaves no microphone open, also one that is still being opened", async () => {
  const attempt = keeper.use();
  await Promise.resolve();
  keeper.close();
  assert.equal(await attempt, false);
  assert.ok(opened.every(({ isClosed }) => isClosed));
  assert.equal(keeper.microphone, undefined);
  assert.equal(await keeper.use(), true);
  opened.at(-1)?.become("ended");
  keeper.close();
  await clock.advanceAsync(60_000);
  assert.equal(keeper.microphone, undefined);
});
