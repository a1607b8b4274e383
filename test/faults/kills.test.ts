// Kills one process of a server after another: only listeners of that process notice, and they lose no word.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { presence } from "../../media/measure/correlate.ts";
import { newGuest, spoken, startLiveSpace } from "../testing/fake-speaker.ts";
import {
  assertUndisturbed,
  assertWhole,
  type RecordingListener,
  startListening,
} from "../testing/recording-listener.ts";
import { startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";

const ROLES = ["stage", "api", "edge-0", "edge-1"];
/** Enough for both edges to get some; the system chooses which edge accepts a connection. */
const LISTENERS_MAX = 40;

const server = await startServer({ edges: 2 });
after(() => server[Symbol.asyncDispose]());

test("a killed parent disturbs nobody, and the next start keeps the running processes and prints the address", async (t) => {
  using live = await startLiveSpace(server, "No parent");
  using listener = await startListening(server, live.space);
  const pids = await Promise.all(ROLES.map(server.pidOf));
  await server.kill(server.parentPid);
  await listener.hearsMore(15);
  await server.restart();
  await listener.hearsMore(15);
  assert.deepEqual(await Promise.all(ROLES.map(server.pidOf)), pids, "the same processes as before");
  assert.match(server.output(), /Hustings is at .*[\s\S]*Hustings is at /);
  assertUndisturbed(listener, "the listener");
  assert.equal(live.host.connections, 1);
  (await startListening(server, live.space))[Symbol.dispose]();
  t.diagnostic(`waited ${listener.waitedMs()} ms`);
});

test("a killed api disturbs no listener and no speaker, and is started again", async (t) => {
  using live = await startLiveSpace(server, "No api");
  using listener = await startListening(server, live.space);
  const before = await server.pidOf("api");
  await server.kill(before);
  const { host } = live;
  for (const muted of [true, false]) {
    await host.speaker.command({ do: "mute", seat: host.speaker.seat, muted });
    await until(`a listener to see muted ${muted}`, () => listener.headless.state.seats[0]?.muted === muted);
  }
  await until("a space to be made again", async () => (await server.create("After the api")).id.length > 0);
  assert.notEqual(await server.pidOf("api"), before);
  await newGuest(server, live.space, "Ben");
  await listener.hearsMore(10);
  assertUndisturbed(listener, "the listener");
  assert.equal(host.connections, 1);
  t.diagnostic(`waited ${listener.waitedMs()} ms`);
});

test("listeners of a killed edge hear every word late, and those of the other edge are not disturbed", async (t) => {
  using live = await startLiveSpace(server, "One edge less");
  await using all = new AsyncDisposableStack();
  const listeners: RecordingListener[] = [];
  await until("both edges to have listeners", async () => {
    if (listeners.length >= LISTENERS_MAX) return true;
    const more = await Promise.all([startListening(server, live.space), startListening(server, live.space)]);
    listeners.push(...more.map((one) => all.use(one)));
    const counts = await Promise.all(["edge-0", "edge-1"].map((edge) => server.health(edge)));
    return counts.every(({ listeners }) => Number(listeners) >= 2);
  });
  await server.kill(await server.pidOf("edge-0"));
  await Promise.all(listeners.map((one) => one.hearsMore(30)));
  const moved = listeners.filter(({ headless }) => headless.stats().connections > 1);
  const stayed = listeners.filter((one) => !moved.includes(one));
  t.diagnostic(`${listeners.length} listeners, ${moved.length} moved`);
  assert.ok(moved.length > 0 && stayed.length > 0, `${moved.length} of ${listeners.length} moved`);
  for (const one of stayed) assertUndisturbed(one, "on the other edge");
  for (const one of moved) assertWhole(one, "on the dead edge");
  const waits = moved.map((one) => one.waitedMs());
  t.diagnostic(`those moved waited ${Math.min(...waits)} to ${Math.max(...waits)} ms, and heard every slot`);
  t.diagnostic(`the others waited ${Math.max(...stayed.map((one) => one.waitedMs()))} ms at most`);
  await until("the edge to be back", async () => (await server.health("edge-0"))["role"] === "edge");
});

test("listeners stay connected and hear hold music after the stage is killed, and then the voice again", async (t) => {
  using live = await startLiveSpace(server, "No stage");
  using listener = await startListening(server, live.space);
  const lastSlot = listener.lastSlot;
  await server.kill(await server.pidOf("stage"));
  const killedMs = performance.now();
  const { headless } = listener;
  // The voice may be back before this test looks, so it asks for what was on air since.
  const wasHeld = (): boolean => {
    const { onAir, headSlot = lastSlot } = headless.session;
    for (let slot = lastSlot; slot <= headSlot + 1; slot++)
      if (onAir.at(slot).air === "hold" && onAir.at(slot).reason === "stage-back") return true;
    return headless.state.air === "hold" && headless.state.holdReason === "stage-back";
  };
  await until("hold music", wasHeld);
  t.diagnostic(`hold after ${Math.round(performance.now() - killedMs)} ms`);
  await until("the host to be back", () => live.host.isSeated && live.host.connections > 1);
  t.diagnostic(`host back after ${Math.round(performance.now() - killedMs)} ms`);
  await until("a voice again", () => headless.state.air === "voice" && headless.state.seats[0]?.present === true);
  t.diagnostic(`on air after ${Math.round(performance.now() - killedMs)} ms`);
  const backSlot = listener.lastSlot;
  await listener.hearsMore(50);
  assertWhole(listener, "the listener");
  assert.equal(headless.stats().connections, 1, "the connection to the edge stayed open");
  assert.deepEqual(headless.session.order.duplicates, 0);
  const { absences, gaps, anchors, seats } = headless.state;
  assert.ok(absences.length > 0 && gaps.length === 0, `declared: ${JSON.stringify({ absences, gaps })}`);
  assert.ok(listener.absences.length > 0 && listener.breaks.length === 0, "played as filler, not skipped");
  assert.equal(anchors.length, 2);
  assert.equal(seats[0]?.muted, false, "the host need not unmute");
  const said = presence(await listener.heardFrom(backSlot), await spoken("anna"), { pieceMs: 500 });
  assert.ok(said.found >= 0.5, `${said.found} of the voice after the stage came back`);
  t.diagnostic(`absent: ${JSON.stringify(listener.absences)}; voice after it: ${said.found.toFixed(2)}`);
});
