import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { createdChange } from "../testing/log-fixture.ts";
import { encodeEntry } from "./entry-lines.ts";
import { startDisk } from "./testing/disk-fixture.ts";

type Disk = Awaited<ReturnType<typeof startDisk>>;

const idOf = (n: number) => `${n}`.padStart(10, "0") as SpaceId;

async function createSpaces(disk: Disk, count: number, endedCount: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const log = await disk.store.create(idOf(n));
    await log.appendState(0, 0, createdChange(idOf(n)));
    if (n < endedCount) await log.appendState(1, 7_000 + n, { kind: "ended" });
    await log[Symbol.asyncDispose]();
  }
}

const listPath = (disk: Disk) => join(disk.directory, "spaces", ".ended");

async function listed(disk: Disk): Promise<{ open: string[]; ended: string[] }> {
  const { open, ended } = await disk.store.list();
  return { open: open.map(({ id }) => id), ended: [...ended.keys()].sort() };
}

test("a start reads no log of a space that is known to have ended", async () => {
  await using disk = await startDisk();
  await createSpaces(disk, 4, 3);
  await disk.reopenStore();
  for (let n = 0; n < 3; n++) await writeFile(join(disk.directory, "spaces", idOf(n), "state.lane"), "unreadable");
  assert.deepEqual(await listed(disk), { open: [idOf(3)], ended: [idOf(0), idOf(1), idOf(2)] });
  assert.deepEqual(disk.repairs, []);
});

test("a missing, torn or senseless list costs a reading of the logs, and is written again", async () => {
  await using disk = await startDisk();
  await createSpaces(disk, 4, 3);
  const expected = { open: [idOf(3)], ended: [idOf(0), idOf(1), idOf(2)] };
  const whole = await readFile(listPath(disk), "utf8");
  for (const text of [undefined, "", whole.slice(0, -4), "\n\nnonsense\u0000\n", `${idOf(0)} 12\n`]) {
    if (text === undefined) await rm(listPath(disk));
    else await writeFile(listPath(disk), text);
    let progressCount = 0;
    await disk.reopenStore();
    assert.deepEqual(await listed(disk), expected);
    await disk.store.list(() => progressCount++);
    assert.equal(progressCount, 0, "nothing is left to read");
    const lines = expected.ended.map((id, n) => `${id} ${7_000 + n}.`);
    assert.deepEqual((await readFile(listPath(disk), "utf8")).split("\n").sort(), ["", ...lines]);
  }
});

test("reports progress while it reads many logs", async () => {
  await using disk = await startDisk();
  for (let n = 0; n < 401; n++) {
    const folder = join(disk.directory, "spaces", idOf(n));
    await mkdir(folder);
    const entries = [createdChange(idOf(n)), { kind: "ended" } as const].map((change, i) =>
      encodeEntry({ ...change, seq: i + 1, slot: i, utcMs: 0 }),
    );
    await writeFile(join(folder, "state.lane"), Buffer.concat(entries));
  }
  const counts: number[] = [];
  assert.equal((await disk.store.list((readCount) => counts.push(readCount))).ended.size, 401);
  assert.deepEqual(counts, [200, 400]);
});

test("a space that was removed is no longer listed", async () => {
  await using disk = await startDisk();
  await createSpaces(disk, 2, 2);
  await disk.store.remove(idOf(0));
  assert.deepEqual(await listed(disk), { open: [], ended: [idOf(1)] });
  assert.equal(await readFile(listPath(disk), "utf8"), `${idOf(1)} 7001.\n`);
});
