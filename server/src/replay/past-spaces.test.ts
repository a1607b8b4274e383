import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { PAST_PAGE_SPACES } from "@hustings/wire/listen/room-document.ts";
import type { StateChange } from "@hustings/wire/log/state.ts";
import { createMemoryStore } from "../log/memory/memory-log.ts";
import { createdChange } from "../log/testing/log-fixture.ts";
import { createPastSpaces } from "./past-spaces.ts";

const idOf = (n: number): SpaceId => String(n).padStart(10, "0") as SpaceId;

describe("the list of spaces that can be heard again", () => {
  test("gives every one once, the last to end first, in pages", async () => {
    const { ended, past } = await spacesThat(PAST_PAGE_SPACES * 2 + 3, () => undefined);
    const found: SpaceId[] = [];
    let next: string | null = "/";
    for (let page = await past.page(); next !== null; ) {
      found.push(...page.spaces.map(({ id }) => id));
      next = page.next;
      if (next !== null) page = await past.page(next.split("/").at(-1) as SpaceId);
    }
    assert.deepEqual(found, [...ended.keys()].reverse());
    await assert.rejects(past.page(idOf(999)), { code: "no-space" });
  });

  test("says the length without breaks, and who spoke", async () => {
    const { past } = await spacesThat(1, () => ({ kind: "gap", from: 100, to: 200 }));
    const { spaces } = await past.page();
    const [space] = spaces;
    assert.equal(space?.durationMs, (1_000 - 10 - 100) * 200);
    assert.deepEqual(space?.spoke, ["Ada"]);
  });

  test("leaves out spaces that were not recorded, were never live, are shorter than a second or were deleted", async () => {
    const { store, past, ended } = await spacesThat(3, (n) =>
      n === 0 ? { kind: "recording", recording: "failed" } : undefined,
    );
    await store.remove(idOf(1));
    ended.set(idOf(500), 1);
    for (const [id, end] of [
      [idOf(501), 14],
      [idOf(502), 1_000],
    ] as const) {
      const log = await store.create(id);
      await log.appendState(10, 0, createdChange(id));
      await log.appendState(10, 0, { kind: "recording", recording: "on" });
      if (id === idOf(501)) await log.appendState(10, 0, { kind: "live" });
      await log.appendState(end, 0, { kind: "ended" });
      ended.set(id, 9_000);
    }
    assert.deepEqual(
      (await past.page()).spaces.map(({ id }) => id),
      [idOf(2)],
    );
  });

  test("looks at a bounded number of spaces for a page, and says where to go on", async () => {
    const { past, ended } = await spacesThat(1, () => undefined);
    for (let n = 0; n < 200; n++) ended.set(idOf(1_000 + n), 5_000 + n);
    const page = await past.page();
    assert.deepEqual(page.spaces, []);
    assert.notEqual(page.next, null);
  });
});

/** Spaces of 990 slots that ended one after another, each with one more entry if `also` gives one. */
async function spacesThat(count: number, also: (n: number) => StateChange | undefined) {
  const store = createMemoryStore({ keptSlots: 10 });
  const ended = new Map<SpaceId, number>();
  for (let n = 0; n < count; n++) {
    const id = idOf(n);
    const log = await store.create(id);
    const more = also(n);
    const changes: StateChange[] = [
      createdChange(id),
      { kind: "recording", recording: "on" },
      { kind: "live" },
      { kind: "seated", seat: 0, person: "p00000000000" as never, name: "Ada", role: "host" },
      { kind: "present", seat: 0, present: true },
      { kind: "muted", seat: 0, muted: false, by: "self" },
      ...(more ? [more] : []),
    ];
    for (const change of changes) await log.appendState(10, 0, change);
    await log.appendState(1_000, 0, { kind: "ended" });
    ended.set(id, 100 + n);
  }
  return { store, ended, past: createPastSpaces({ archive: store, ended: async () => ended }) };
}
