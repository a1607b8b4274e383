// Attacks by slowness: bodies that never end at the door and at the stage's own port, and sockets that say nothing there.

import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { ROUTES } from "../../wire/routes.ts";
import { newGuest, startLiveSpace } from "../testing/fake-speaker.ts";
import { assertUndisturbed, startListening } from "../testing/recording-listener.ts";
import { type CreatedSpace, type RunningServer, startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";

/** More than the 256 places of the api and of the stage behind the door. */
const SLOW_BODIES = 300;
/** More than the 2,000 connections of the stage's own port. */
const SILENT_SOCKETS = 2_100;
/** Another address than the host's, who would share its limits. */
const ATTACKER = "127.0.9.1";
/** A connection that is closed is opened again after this, so that the attack goes on for the whole test. */
const AGAIN_MS = 1_000;

test("slow bodies and silent sockets hold up neither tickets nor a speaker who returns", async (t) => {
  await using server = await startServer();
  using live = await startLiveSpace(server, "Under siege");
  using listener = await startListening(server, live.space);
  using attack = startAttack(server, live.space);
  await attack.isUnderWay();
  t.diagnostic(`${attack.open} sockets are open`);

  const tickets: number[] = [];
  for (let i = 0; i < 20; i++) {
    const beganMs = performance.now();
    const { ticket } = await newGuest(server, live.space, `Guest ${i}`);
    assert.ok(ticket, "a ticket is answered");
    tickets.push(Math.round(performance.now() - beganMs));
  }
  t.diagnostic(`tickets within ${tickets.join(", ")} ms`);

  const { connections } = live.host;
  live.host.speaker.close();
  const droppedMs = performance.now();
  await until("the host to be back", () => live.host.isSeated && live.host.connections > connections);
  t.diagnostic(`the host was back after ${Math.round(performance.now() - droppedMs)} ms`);
  assert.deepEqual(
    live.host.ends.filter((end) => end.startsWith("could not")),
    [],
    "the first offer of the returning host was answered",
  );
  assert.ok(attack.open >= SLOW_BODIES, "the attack still goes on");
  await listener.hearsMore(10);
  assertUndisturbed(listener, "the listener");
});

function startAttack(server: RunningServer, space: CreatedSpace) {
  const [doorPort, stagePort] = [server.doorUrl, server.stageUrl].map((url) => Number(new URL(url).port));
  const sockets = new Set<Socket>();
  let isOver = false;
  let opened = 0;

  function open(port: number | undefined, bytes: string): void {
    if (isOver) return;
    opened += 1;
    const socket = connect({ port: Number(port), host: "127.0.0.1", localAddress: ATTACKER });
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(socket);
      setTimeout(open, AGAIN_MS, port, bytes);
    });
    if (bytes !== "") socket.write(bytes);
    socket.resume();
  }

  const slow = (path: string) =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`;
  for (let i = 0; i < SLOW_BODIES; i++) {
    open(doorPort, slow(ROUTES.guests(space.id)));
    open(doorPort, slow(ROUTES.stage(space.id)));
    open(stagePort, slow(ROUTES.commands(space.id)));
  }
  for (let i = 0; i < SILENT_SOCKETS; i++) open(stagePort, "");
  return {
    get open() {
      return sockets.size;
    },
    isUnderWay: () =>
      until(
        "the attack to be under way",
        () => opened >= SILENT_SOCKETS && [...sockets].every((one) => !one.connecting),
      ),
    [Symbol.dispose]() {
      isOver = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}
