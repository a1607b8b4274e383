import assert from "node:assert/strict";
import { test } from "node:test";
import type { Refusal } from "@hustings/wire/errors.ts";
import type { StageMessage } from "@hustings/wire/stage/data-channel.ts";
import type { Actor } from "../policy/authority.ts";
import { silence } from "../testing/microphones.ts";
import { startStageFixture } from "../testing/stage-fixture.ts";

test("110 people who press without a pause make one entry a hand and then little more, and the host is not held up", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  await stage.join(space, host, silence(stage.opus));
  const crowd = Array.from({ length: 110 }, () => stage.newGuest());
  const before = space.state.seq;
  const codes = new Map<string, number>();
  const pressing: Promise<unknown>[] = [];
  const press = (guest: Actor, up: boolean) =>
    space.execute(guest, { do: "hand", up }, "192.0.2.1").then(
      () => "done",
      (error: Refusal) => error.code,
    );
  for (let second = 0; second < 30; second++) {
    for (let n = 0; n < 390; n++) {
      const pressed = press(crowd[n % 110] as Actor, (second + Math.floor(n / 110)) % 2 === 0);
      pressing.push(pressed.then((code) => codes.set(code, (codes.get(code) ?? 0) + 1)));
    }
    await stage.run(1_000);
    if (second % 10 === 0) await space.execute(host, { do: "mute", seat: 0, muted: second % 20 !== 0 });
  }
  await stage.run(2_000);
  await Promise.all(pressing);
  const entries = space.state.seq - before;
  assert.ok(entries < 100, `${entries} entries`);
  assert.deepEqual([...codes.keys()].sort(), ["done", "too-many", "too-many-hands"]);
  assert.ok((codes.get("too-many") as number) > 11_000, JSON.stringify([...codes]));
});

test("a hand that is lowered by mistake and raised again makes no further entry", async () => {
  await using stage = await startStageFixture();
  const { space } = await stage.createSpace();
  const guest = stage.newGuest();
  const { seq } = await space.execute(guest, { do: "hand", up: true });
  assert.deepEqual(await space.execute(guest, { do: "hand", up: false }), { seq });
  await stage.run(500);
  await space.execute(guest, { do: "hand", up: true });
  await stage.run(5_000);
  assert.deepEqual([space.state.seq, space.state.hands.length], [seq, 1]);
  await space.execute(guest, { do: "hand", up: false });
  assert.deepEqual([space.state.seq, space.state.hands.length], [seq + 1, 0]);
  await stage.run(10_000);
  await space.execute(guest, { do: "hand", up: true });
  await space.execute(guest, { do: "hand", up: false });
  assert.equal(space.state.hands.length, 1, "a hand that went up a moment ago");
  await stage.run(2_000);
  assert.equal(space.state.hands.length, 0);
});

test("a host closes the hands, and opens them again", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  await space.execute(host, { do: "hands", open: false });
  await assert.rejects(space.execute(stage.newGuest(), { do: "hand", up: true }), { code: "hands-closed" });
  await stage.restart();
  const restarted = stage.spaces.get(space.id);
  assert.equal(restarted.state.handsOpen, false);
  await restarted.execute(host, { do: "hands", open: true });
  await restarted.execute(stage.newGuest(), { do: "hand", up: true });
  assert.equal(restarted.state.hands.length, 1);
});

test("a removed person cannot return until invited again", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const { guest, speaker } = await stage.seatGuest(space, host, silence(stage.opus));
  await space.execute(host, { do: "remove", seat: 1 });
  assert.deepEqual(speaker.messages.at(-1), { kind: "bye", why: "removed" });
  await assert.rejects(space.offer(guest, "offer"), { code: "removed" });
  await assert.rejects(space.execute(guest, { do: "accept" }), { code: "removed" });
  for (let press = 0; press < 3; press++) {
    await assert.rejects(space.execute(guest, { do: "hand", up: true }), { code: "removed" });
  }
  await space.execute(host, { do: "invite", person: guest.person });
  await space.offer(guest, "offer");
  assert.equal(space.state.seats.length, 1);
});

test("a host's page knows who was removed, from its first messages and whenever that changes", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const removedIn = ({ messages }: { messages: readonly StageMessage[] }) => {
    const newest = messages.findLast((message) => message.kind === "removed");
    return newest?.people.map(({ name }) => name);
  };
  const page = await stage.join(space, host, silence(stage.opus));
  const { guest, speaker } = await stage.seatGuest(space, host, silence(stage.opus), "Gwen");
  assert.deepEqual(removedIn(page), []);
  await space.execute(host, { do: "remove", seat: 1 });
  assert.deepEqual(removedIn(page), ["Gwen"]);
  const reloaded = await stage.join(space, host, silence(stage.opus));
  assert.deepEqual(removedIn(reloaded), ["Gwen"]);
  await space.execute(host, { do: "invite", person: guest.person });
  assert.deepEqual(removedIn(reloaded), []);
  assert.equal(removedIn(speaker), undefined, "no speaker is sent the list");
});
