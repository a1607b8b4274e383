// A crowd of one address presses "Ask to speak" without a pause, through the public door. Listeners hear everything, and the
// host is obeyed at once.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LISTENER_COMMANDS_BY_ADDRESS } from "../../server/src/stage/limits/command-limits.ts";
import { COOL_DOWN_MS, HANDS_PER_ADDRESS } from "../../server/src/stage/limits/hand-limits.ts";
import { ROUTES } from "../../wire/routes.ts";
import { command, newGuest, post, startLiveSpace } from "../testing/fake-speaker.ts";
import { assertWhole, startListening } from "../testing/recording-listener.ts";
import { startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";

const GUESTS = 110;
const PRESSES = 400;
const MUTES = 6;
/** Requests of the crowd that wait for an answer at once. */
const IN_FLIGHT = 10;

test("110 people of one address who toggle their hands cut nobody, make few entries, and hold up no host", async (t) => {
  await using server = await startServer();
  using live = await startLiveSpace(server, "Hands up");
  const { space, host } = live;
  const guests = await Promise.all(Array.from({ length: GUESTS }, (_, n) => newGuest(server, space, `Guest ${n}`)));
  using first = await startListening(server, space);
  using second = await startListening(server, space);
  const listeners = [first, second];
  const seqBefore = host.state.seq;
  const startedMs = performance.now();
  const answers = new Map<number, number>();
  let pressCount = 0;
  let isHostDone = false;

  async function press(): Promise<void> {
    while (pressCount < PRESSES || !isHostDone) {
      const n = pressCount++;
      const { ticket } = guests[n % GUESTS] as { ticket: string };
      const isUp = Math.floor(n / GUESTS) % 2 === 0;
      const response = await post(server.doorUrl + ROUTES.commands(space.id), { do: "hand", up: isUp }, ticket);
      await response.arrayBuffer();
      answers.set(response.status, (answers.get(response.status) ?? 0) + 1);
    }
  }

  async function mute(): Promise<number> {
    let slowestMs = 0;
    for (let n = 0; n < MUTES; n++) {
      const askedMs = performance.now();
      await host.speaker.command({ do: "mute", seat: host.speaker.seat, muted: n % 2 === 0 });
      slowestMs = Math.max(slowestMs, performance.now() - askedMs);
      await first.hearsMore(3);
    }
    isHostDone = true;
    return slowestMs;
  }

  const [slowestMs] = await Promise.all([mute(), ...Array.from({ length: IN_FLIGHT }, press)]);
  const elapsedMs = performance.now() - startedMs;
  const entries = host.state.seq - seqBefore;
  t.diagnostic(
    `${pressCount} presses in ${Math.round(elapsedMs)} ms: ${JSON.stringify([...answers])}; ${entries} entries; ` +
      `the host's slowest mute took ${Math.round(slowestMs)} ms; listeners waited ${listeners.map((one) => one.waitedMs())} ms`,
  );
  const rounds = 1 + Math.ceil(elapsedMs / COOL_DOWN_MS.self);
  assert.ok(entries <= MUTES + 2 * HANDS_PER_ADDRESS * rounds, `${entries} entries`);
  const served = answers.get(200) ?? 0;
  const { burst, perSecond } = LISTENER_COMMANDS_BY_ADDRESS;
  assert.ok(served <= burst + (perSecond * elapsedMs) / 1000 + 1, `${served} served`);
  assert.deepEqual([...answers.keys()].sort(), [200, 429]);
  // A busy machine stands still for moments. Without the limits a third of the time was gaps.
  const maxGapsMs = 1_000 + elapsedMs / 20;
  await command(server, space, space.hostTicket, { do: "hands", open: false });
  for (const one of listeners) {
    await until("the listener to know that the hands are closed", () => !one.headless.state.handsOpen);
    await one.hearsMore(5);
    assertWhole(one, "a listener under attack");
    assert.equal(one.headless.stats().connections, 1, "connections of a listener under attack");
    assert.ok(one.waitedMs() < maxGapsMs, `a listener waited ${one.waitedMs()} of ${Math.round(elapsedMs)} ms`);
  }
  assert.equal(host.connections, 1);
});
