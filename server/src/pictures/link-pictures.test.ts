import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { createMemoryStore } from "../log/memory/memory-log.ts";
import type { SpaceLog } from "../log/port.ts";
import { createdChange } from "../log/testing/log-fixture.ts";
import type { DrawPicture, PictureFacts } from "./draw-picture.ts";
import { createLinkPictures, MAX_KEPT_PICTURES, MAX_WAITING_PICTURES, PICTURE_BURST } from "./link-pictures.ts";

const idOf = (n: number): SpaceId => String(n).padStart(10, "0") as SpaceId;

describe("pictures of links", () => {
  test("are made once for the same title, host and phase, and again when one of them changes", async () => {
    const { pictures, drawn, log } = await fixtureOf(1, async () => Uint8Array.of(1));
    await pictures.pictureOf(idOf(0));
    await pictures.pictureOf(idOf(0));
    assert.equal(drawn.length, 1);
    await log.appendState(1, 0, { kind: "title", title: "Another" });
    await pictures.pictureOf(idOf(0));
    await log.appendState(2, 0, { kind: "live" });
    await pictures.pictureOf(idOf(0));
    assert.deepEqual(
      drawn.map(({ title, phase }) => [title, phase]),
      [
        ["A title", "created"],
        ["Another", "created"],
        ["Another", "live"],
      ],
    );
    await assert.rejects(pictures.pictureOf(idOf(900)), { code: "no-space" });
  });

  test("are made one at a time, and beyond a short queue the static picture serves", async () => {
    let drawing = 0;
    const gate = Promise.withResolvers<void>();
    const { pictures } = await fixtureOf(20, async () => {
      drawing += 1;
      assert.equal(drawing, 1);
      await gate.promise;
      drawing -= 1;
      return Uint8Array.of(1);
    });
    const asked = Array.from({ length: 20 }, (_, n) => pictures.pictureOf(idOf(n)));
    const refused = await Promise.all(asked.slice(MAX_WAITING_PICTURES));
    assert.ok(refused.every((picture) => picture === undefined));
    gate.resolve();
    assert.ok((await Promise.all(asked.slice(0, MAX_WAITING_PICTURES))).every((picture) => picture !== undefined));
  });

  test("are made at a bounded rate, and a bounded number is kept", async () => {
    const { pictures, drawn, clock } = await fixtureOf(MAX_KEPT_PICTURES + 1, async () => Uint8Array.of(1));
    for (let n = 0; n < PICTURE_BURST; n++) assert.ok(await pictures.pictureOf(idOf(n)));
    assert.equal(await pictures.pictureOf(idOf(PICTURE_BURST)), undefined);
    assert.ok(await pictures.pictureOf(idOf(0)));
    for (let n = PICTURE_BURST; n <= MAX_KEPT_PICTURES; n++) {
      await clock.advanceAsync(1_000);
      assert.ok(await pictures.pictureOf(idOf(n)));
    }
    await clock.advanceAsync(1_000);
    await pictures.pictureOf(idOf(1));
    assert.equal(drawn.length, MAX_KEPT_PICTURES + 2);
  });

  test("that cannot be made are reported and tried again", async () => {
    let fails = true;
    const { pictures, failures } = await fixtureOf(1, async () => {
      if (fails) throw new Error("no font");
      return Uint8Array.of(1);
    });
    assert.equal(await pictures.pictureOf(idOf(0)), undefined);
    assert.equal(failures.length, 1);
    fails = false;
    assert.deepEqual(await pictures.pictureOf(idOf(0)), Uint8Array.of(1));
  });
});

async function fixtureOf(count: number, draw: DrawPicture) {
  const store = createMemoryStore({ keptSlots: 10 });
  const clock = manualClock();
  const drawn: PictureFacts[] = [];
  const failures: unknown[] = [];
  const logs: SpaceLog[] = [];
  for (let n = 0; n < count; n++) {
    const log = await store.create(idOf(n));
    const title = n === 0 ? "A title" : `Title ${n}`;
    await log.appendState(0, 0, { ...createdChange(idOf(n)), title } as ReturnType<typeof createdChange>);
    logs.push(log);
  }
  const openDrawing = async (): Promise<DrawPicture> => (facts) => {
    drawn.push(facts);
    return draw(facts);
  };
  const pictures = createLinkPictures({
    archive: store,
    clock,
    openDrawing,
    onFailure: (cause) => failures.push(cause),
  });
  return { pictures, drawn, failures, clock, log: logs[0] ?? assert.fail("no log") };
}
