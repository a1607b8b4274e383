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

const NOT_ROOT = "Not root: a small file system cannot be mounted here.";

/** Gives the spaces of a server a file system of 4 MiB. */
async function mountSmall(dataDir: string): Promise<void> {
  await mkdir(join(dataDir, "spaces"));
  const mount = ["-t", "tmpfs", "-o", "size=4m", "hustings-test", join(dataDir, "spaces")];
  const { status, stderr } = spawnSync("mount", mount);
  assert.equal(status, 0, String(stderr));
}

function unmounted({ dataDir }: RunningServer): Disposable {
  return { [Symbol.dispose]: () => void spawnSync("umount", ["--lazy", join(dataDir, "spaces")]) };
}

test("sound goes on while the disk is full, the state reports it, and recording resumes when there is room", async (t) => {
  if (process.getuid?.() !== 0) return t.diagnostic(NOT_ROOT);
  await using server = await startServer({ prepare: mountSmall });
  using _mounted = unmounted(server);
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

test("guests who raise and lower hands on a full disk are refused, and the host's mute is still stored", async (t) => {
  if (process.getuid?.() !== 0) return t.diagnostic(NOT_ROOT);
  await using server = await startServer({ prepare: mountSmall, args: ["--trusted-proxies", "127.0.0.1"] });
  using _mounted = unmounted(server);
  using live = await startLiveSpace(server, "No room");
  const { space, host } = live;
  using listener = await startListening(server, space);
  await until("the space to be recorded", () => listener.headless.state.recording === "on");
  await fillUp(join(server.dataDir, "spaces", ".ballast"));
  await until("the state to report that nothing is recorded", () => listener.headless.state.recording === "failed");
  const send = async (path: string, n: number, body: object, ticket?: string) => {
    const response = await fetch(server.doorUrl + path, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-forwarded-for": `203.0.113.${n % 30}`,
        ...(ticket === undefined ? {} : { authorization: `Bearer ${ticket}` }),
      },
      body: JSON.stringify(body),
    });
    return { status: response.status, answer: (await response.json()) as { ticket?: string; error?: string } };
  };
  const codes: string[] = [];
  const tickets: (string | undefined)[] = [];
  const press = async (n: number, up: boolean) => {
    const { answer } = await send(ROUTES.commands(space.id), n, { do: "hand", up }, tickets[n]);
    codes.push(answer.error ?? "done");
  };
  for (let n = 0; n < 60; n++) {
    tickets.push((await send(ROUTES.guests(space.id), n, { name: "手".repeat(60) })).answer.ticket);
    await press(n, true);
  }
  await listener.hearsMore(12);
  for (let n = 0; n < 60; n++) await press(n, false);
  t.diagnostic(`${codes.filter((code) => code === "done").length} of ${codes.length} presses were stored`);
  assert.deepEqual([...new Set(codes)].sort(), ["cannot-store", "done"]);
  for (let n = 0; n < 20; n++) {
    await host.speaker.command({ do: "mute", seat: host.speaker.seat, muted: n % 2 === 0 });
  }
  await listener.hearsMore(5);
  assertUndisturbed(listener, "the listener while guests press on a full disk");
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
