// Tests spaces on a full disk and with damaged lanes.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { roomDocumentOf } from "../../wire/listen/room-document.ts";
import { ROUTES } from "../../wire/routes.ts";
import { command, startLiveSpace } from "../testing/fake-speaker.ts";
import { assertUndisturbed, assertWhole, startListening } from "../testing/recording-listener.ts";
import { type CreatedSpace, type RunningServer, startServer } from "../testing/running-server.ts";
import { until } from "../testing/until.ts";

type Room = ReturnType<typeof roomDocumentOf>;

async function roomOf({ doorUrl }: RunningServer, { id }: CreatedSpace): Promise<Room> {
  const response = await fetch(doorUrl + ROUTES.room(id));
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as Room;
}

test("sound goes on while the disk is full, the state reports it, and recording resumes when there is room", async (t) => {
  if (process.getuid?.() !== 0) return t.diagnostic("Not root: a small file system cannot be mounted here.");
  const prepare = async (dataDir: string): Promise<void> => {
    await mkdir(join(dataDir, "spaces"));
    const mount = ["-t", "tmpfs", "-o", "size=4m", "hustings-test", join(dataDir, "spaces")];
    const { status, stderr } = spawnSync("mount", mount);
    assert.equal(status, 0, String(stderr));
  };
  await using server = await startServer({ prepare });
  using _mounted = { [Symbol.dispose]: () => void spawnSync("umount", ["--lazy", join(server.dataDir, "spaces")]) };
  using live = await startLiveSpace(server, "No room");
  using listener = await startListening(server, live.space);
  const { headless } = listener;
  await until("the space to be recorded", () => headless.state.recording === "on");
  const ballast = join(server.dataDir, "spaces", ".ballast");
  await fillUp(ballast);
  await until("the state to report that nothing is recorded", () => headless.state.recording === "failed");
  const { host } = live;
  for (const muted of [true, false]) await host.speaker.command({ do: "mute", seat: host.speaker.seat, muted });
  await listener.hearsMore(15);
  assertUndisturbed(listener, "the listener while the disk is full");
  await rm(ballast);
  await until("the space to be recorded again", () => headless.state.recording === "on");
  await listener.hearsMore(5);
  assertUndisturbed(listener, "the listener after that");
  assert.equal(host.connections, 1);
  t.diagnostic(`the listener waited ${listener.waitedMs()} ms`);
});

/** Writes until the disk is full to the last byte. */
async function fillUp(path: string): Promise<void> {
  await using file = await open(path, "w");
  for (const bytes of [65_536, 4_096, 512, 1]) {
    for (;;) {
      const isFull = await file.write(Buffer.alloc(bytes, 1)).then(
        ({ bytesWritten }) => bytesWritten < bytes,
        () => true,
      );
      if (isFull) break;
    }
  }
}

test("a server with damaged lanes starts, logs each repair, and serves the other spaces whole", async (t) => {
  await using server = await startServer();
  using whole = await startLiveSpace(server, "Whole");
  using torn = await startLiveSpace(server, "Torn");
  const flipped = await server.create("First title");
  for (const title of ["Second title", "Third title"]) {
    await command(server, flipped, flipped.hostTicket, { do: "title", title });
  }
  const lost = await server.create("Lost");
  using listener = await startListening(server, whole.space);
  const pids = await Promise.all(["stage", "api", "edge-0"].map(server.pidOf));
  await Promise.all([server.parentPid, ...pids].map(server.kill));

  const folder = ({ id }: CreatedSpace): string => join(server.dataDir, "spaces", id);
  const laneOf = join(folder(flipped), "state.lane");
  const bytes = await readFile(laneOf);
  bytes[bytes.indexOf("Second title")] = 0x73;
  await writeFile(laneOf, bytes);
  const tornLane = join(folder(torn.space), "sound-32.lane");
  await truncate(tornLane, (await readFile(tornLane)).length - 500);
  await writeFile(join(folder(lost), "state.lane"), randomBytes(3_000));
  const strange = join(server.dataDir, "spaces", "not a space");
  await mkdir(strange);
  await writeFile(join(strange, "state.lane"), randomBytes(100));

  await server.restart();
  await until("the whole space to speak", () => whole.host.connections > 1 && listener.headless.state.air === "voice");
  await until("the torn space to speak", () => torn.host.connections > 1 && torn.host.isSeated);
  await listener.hearsMore(5);
  assertWhole(listener, "the listener of the whole space");
  using tornListener = await startListening(server, torn.space);
  assertWhole(tornListener, "the listener of the torn space");
  assert.equal((await roomOf(server, flipped)).title, "Third title", "only the damaged entry is gone");
  assert.equal((await fetch(server.doorUrl + ROUTES.room(lost.id))).status, 404);
  t.diagnostic(
    server
      .output()
      .split("\n")
      .filter((line) => line.includes('"repair"'))
      .map((line) => JSON.stringify((JSON.parse(line) as { repair: unknown }).repair))
      .join(" "),
  );
  for (const id of [flipped.id, torn.space.id, lost.id, "not a space"]) {
    assert.ok(server.output().includes(`"space":"${id}"`), `the repair of ${id} is logged`);
  }
});
