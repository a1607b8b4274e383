// Proves what a kill -9 of one process does: nothing to whoever does not hang on it, and a moment to whoever does.

import assert from "node:assert/strict";
import { test } from "node:test";
import { presence } from "../../media/measure/correlate.ts";
import { openVenue } from "../support/running-server.ts";
import { until } from "../support/until.ts";
import { assertUndisturbed, assertWhole, type Ears, listen } from "./ears.ts";
import { newGuest, openStage, spoken } from "./talker.ts";

const ROLES = ["stage", "api", "edge-0", "edge-1"];
/** Enough that both edges have some of them; the system deals connections out as it likes. */
const MOST_EARS = 40;

test("killing the parent harms nobody, and the next start keeps what runs and prints the address", async (t) => {
  await using venue = await openVenue({ edges: 2 });
  using stage = await openStage(venue, "No parent");
  using ears = await listen(venue, stage.space);
  const pids = await Promise.all(ROLES.map(venue.pidOf));
  await venue.kill(venue.parentPid);
  await ears.hearsMore(15);
  await venue.restart();
  await ears.hearsMore(15);
  assert.deepEqual(await Promise.all(ROLES.map(venue.pidOf)), pids, "the same processes as before");
  assert.match(venue.output(), /Hustings is at .*[\s\S]*Hustings is at /);
  assertUndisturbed(ears, "the listener");
  assert.equal(stage.host.sittings, 1);
  (await listen(venue, stage.space))[Symbol.dispose]();
  t.diagnostic(`waited ${ears.waitedMs()} ms`);
});

test("killing the api harms nobody who is in, and it is back by itself", async (t) => {
  await using venue = await openVenue({ edges: 1 });
  using stage = await openStage(venue, "No api");
  using ears = await listen(venue, stage.space);
  const before = await venue.pidOf("api");
  await venue.kill(before);
  const { host } = stage;
  for (const muted of [true, false]) {
    await host.speaker.command({ do: "mute", seat: host.speaker.seat, muted });
    await until(`a listener to see muted ${muted}`, () => ears.listener.state.seats[0]?.muted === muted);
  }
  await until("a space to be made again", async () => (await venue.create("After the api")).id.length > 0);
  assert.notEqual(await venue.pidOf("api"), before);
  await newGuest(venue, stage.space, "Ben");
  await ears.hearsMore(10);
  assertUndisturbed(ears, "the listener");
  assert.equal(host.sittings, 1);
  t.diagnostic(`waited ${ears.waitedMs()} ms`);
});

test("killing one of two edges is not heard on the other, and on its own every word comes late", async (t) => {
  await using venue = await openVenue({ edges: 2 });
  using stage = await openStage(venue, "One edge less");
  await using all = new AsyncDisposableStack();
  const ears: Ears[] = [];
  await until("both edges to have listeners", async () => {
    if (ears.length >= MOST_EARS) return true;
    const more = await Promise.all([listen(venue, stage.space), listen(venue, stage.space)]);
    ears.push(...more.map((one) => all.use(one)));
    const counts = await Promise.all(["edge-0", "edge-1"].map((edge) => venue.health(edge)));
    return counts.every(({ listeners }) => Number(listeners) >= 2);
  });
  await venue.kill(await venue.pidOf("edge-0"));
  await Promise.all(ears.map((one) => one.hearsMore(30)));
  const moved = ears.filter(({ listener }) => listener.stats().connections > 1);
  const stayed = ears.filter((one) => !moved.includes(one));
  t.diagnostic(`${ears.length} listeners, ${moved.length} moved`);
  assert.ok(moved.length > 0 && stayed.length > 0, `${moved.length} of ${ears.length} moved`);
  for (const one of stayed) assertUndisturbed(one, "on the other edge");
  for (const one of moved) assertWhole(one, "on the dead edge");
  const waits = moved.map((one) => one.waitedMs());
  t.diagnostic(`those moved waited ${Math.min(...waits)} to ${Math.max(...waits)} ms, and heard every slot`);
  t.diagnostic(`the others waited ${Math.max(...stayed.map((one) => one.waitedMs()))} ms at most`);
  await until("the edge to be back", async () => (await venue.health("edge-0"))["role"] === "edge");
});

test("killing the stage leaves listeners connected, with hold music, and the voice comes back by itself", async (t) => {
  await using venue = await openVenue({ edges: 1 });
  using stage = await openStage(venue, "No stage");
  using ears = await listen(venue, stage.space);
  await venue.kill(await venue.pidOf("stage"));
  const killedMs = performance.now();
  const { listener } = ears;
  await until("hold music", () => listener.state.air === "hold" && listener.state.holdReason === "stage-back");
  t.diagnostic(`hold after ${Math.round(performance.now() - killedMs)} ms`);
  await until("the host to be back", () => stage.host.isSeated && stage.host.sittings === 2);
  t.diagnostic(`host back after ${Math.round(performance.now() - killedMs)} ms`);
  await until("a voice again", () => listener.state.air === "voice" && listener.state.seats[0]?.present === true);
  t.diagnostic(`on air after ${Math.round(performance.now() - killedMs)} ms`);
  const backSlot = ears.lastSlot;
  await ears.hearsMore(50);
  assertWhole(ears, "the listener");
  assert.equal(listener.stats().connections, 1, "the link to the edge held");
  assert.deepEqual(listener.session.order.duplicates, 0);
  const { absences, gaps, anchors, seats } = listener.state;
  assert.ok(absences.length > 0 && gaps.length === 0, `declared: ${JSON.stringify({ absences, gaps })}`);
  assert.ok(ears.absences.length > 0 && ears.breaks.length === 0, "passed as time with filler in it, not as a jump");
  assert.equal(anchors.length, 2);
  assert.equal(seats[0]?.muted, false, "the host need not unmute");
  const said = presence(await ears.heardFrom(backSlot), await spoken("anna"), { pieceMs: 500 });
  assert.ok(said.found >= 0.5, `${said.found} of the voice after the stage came back`);
  t.diagnostic(`absent: ${JSON.stringify(ears.absences)}; voice after it: ${said.found.toFixed(2)}`);
});
