import assert from "node:assert/strict";
import { test } from "node:test";
import { silence, tone } from "../testing/microphones.ts";
import { startStageFixture } from "../testing/stage-fixture.ts";

test("a new host link hangs up every host who came by the old one, and the call that is named goes on under the new", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const own = await stage.join(space, host, silence(stage.opus));
  await stage.run(100);
  const { speaker } = await stage.seatGuest(space, host, silence(stage.opus));
  const thief = await stage.join(space, host, undefined);
  await space.replaceHostSecret(host, "i".repeat(43), own.callId);
  await stage.run(600);
  assert.deepEqual(thief.messages.at(-1), { kind: "bye", why: "ticket-revoked" });
  assert.deepEqual([own.isClosed, speaker.isClosed, thief.isClosed], [false, false, true]);
  own.sendMessage({ kind: "command", id: 1, command: { do: "title", title: "Mine again" } });
  await stage.run(100);
  assert.equal(space.state.title, "Mine again");
  assert.ok(!own.messages.some(({ kind }) => kind === "bye" || kind === "refused"));
});

test("after a new host link the thief of the old one sits on no seat, and the new host can clear the seat", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const thief = await stage.join(space, host, tone(stage.opus, 440));
  await stage.run(200);
  const { generation } = await space.replaceHostSecret(host, "i".repeat(43));
  assert.deepEqual(thief.messages.at(-1), { kind: "bye", why: "ticket-revoked" });
  await stage.run(1_500);
  assert.ok(thief.isClosed);
  assert.equal(space.state.seats[0]?.present, false);
  const again = { ...host, generation };
  await space.execute(again, { do: "remove", seat: 0 });
  assert.equal(space.state.seats.length, 0);
  await stage.join(space, again, silence(stage.opus));
  assert.equal(space.state.seats[0]?.person, host.person);
});

test("an offer by the old host link that is being answered while the link is replaced gets no seat", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const offered = space.offer(host, "offer");
  await Promise.all([
    space.replaceHostSecret(host, "i".repeat(43)),
    assert.rejects(offered, { code: "ticket-revoked" }),
  ]);
  assert.ok(stage.peers.newest.isClosed);
});

test("a new host link revokes the old tickets", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  assert.deepEqual(await space.matchHostSecret("h".repeat(43)), { person: host.person, name: "Hanna", generation: 1 });
  assert.deepEqual(await space.replaceHostSecret(host, "i".repeat(43)), { generation: 2 });
  await assert.rejects(space.matchHostSecret("h".repeat(43)), { code: "ticket-invalid" });
  await assert.rejects(space.execute(host, { do: "live" }), { code: "ticket-revoked" });
  await assert.rejects(space.offer(host, "offer"), { code: "ticket-revoked" });
  await stage.join(space, { ...host, generation: (await space.matchHostSecret("i".repeat(43))).generation });
});

test("only the host replaces the host link", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  await assert.rejects(space.replaceHostSecret(stage.newGuest(), "i".repeat(43)), { code: "host-only" });
  await space.replaceHostSecret(host, "i".repeat(43));
  await assert.rejects(space.replaceHostSecret(host, "j".repeat(43)), { code: "ticket-revoked" });
  assert.equal(space.state.hostLinkGeneration, 2);
});

test("two new host links at the same time get two generations, and the second is valid", async () => {
  await using stage = await startStageFixture();
  const { space, host } = await stage.createSpace();
  const replace = (letter: string) => space.replaceHostSecret(host, letter.repeat(43));
  const both = await Promise.all([replace("a"), replace("b")]);
  assert.deepEqual(both, [{ generation: 2 }, { generation: 3 }]);
  assert.equal((await space.matchHostSecret("b".repeat(43))).generation, 3);
});
