import assert from "node:assert/strict";
import { test } from "node:test";
import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import { foldAll, type SpaceState, type StateChange } from "@hustings/wire/log/state.ts";
import fc from "fast-check";
import { planResume } from "./resume.ts";

const ORIGIN_UTC_MS = 1_800_000_000_000;
const HOST = "222222222222" as PersonId;
const created: StateChange = {
  ...{
    kind: "created",
    id: "1111111111" as SpaceId,
    title: "T",
    host: HOST,
    hostName: "H",
    originUtcMs: ORIGIN_UTC_MS,
  },
};

function fold(changes: readonly (StateChange & { slot?: number })[]): SpaceState {
  return foldAll(changes.map((change, index) => ({ slot: 0, ...change, seq: index + 1, utcMs: 0 })));
}

const live = fold([created, { kind: "live", slot: 100 }, { kind: "air", air: "voice" }]);
const afterHead = (headSlot: number) => ({ headSlot, firstFreeSlot: headSlot + 1 });

test("a new space begins at slot 0 and anchors it to the clock", () => {
  const { firstSlot, changes } = planResume(fold([created]), { headSlot: undefined, firstFreeSlot: 0 }, ORIGIN_UTC_MS);
  assert.equal(firstSlot, 0);
  assert.deepEqual(changes, [{ kind: "anchor", anchorSlot: 0, anchorUtcMs: ORIGIN_UTC_MS }]);
});

test("a stage that resumes within ten seconds declares an absence, a later one a gap", () => {
  const soon = planResume(live, afterHead(500), ORIGIN_UTC_MS + 511 * 200);
  assert.deepEqual(soon.changes[1], { kind: "absence", from: 501, to: 511 });
  const late = planResume(live, afterHead(500), ORIGIN_UTC_MS + 5_000 * 200);
  assert.deepEqual(late.changes[1], { kind: "gap", from: 501, to: 5_000 });
});

test("continues after the log's head when the clock was set back", () => {
  const { firstSlot, changes } = planResume(live, afterHead(500), ORIGIN_UTC_MS + 350 * 200);
  assert.equal(firstSlot, 501);
  assert.ok(changes.every(({ kind }) => kind !== "absence" && kind !== "gap"));
});

test("declares slots absent that followers may have received and the disk does not have", () => {
  const { firstSlot, changes } = planResume(live, { headSlot: 500, firstFreeSlot: 508 }, ORIGIN_UTC_MS);
  assert.equal(firstSlot, 508);
  assert.deepEqual(changes[1], { kind: "absence", from: 501, to: 508 });
});

test("declares slots absent from the start when the stage died before the first fragment", () => {
  const { changes } = planResume(live, { headSlot: undefined, firstFreeSlot: 0 }, ORIGIN_UTC_MS + 110 * 200);
  assert.deepEqual(changes[1], { kind: "absence", from: 100, to: 110 });
});

test("declares nothing absent in a space that is not live", () => {
  const { changes } = planResume(fold([created]), { headSlot: undefined, firstFreeSlot: 0 }, ORIGIN_UTC_MS + 9_000_000);
  assert.deepEqual(
    changes.map(({ kind }) => kind),
    ["anchor"],
  );
});

test("marks everybody as not present and keeps seats and mutes", () => {
  const seated = fold([
    created,
    { kind: "seated", seat: 0, person: HOST, name: "H", role: "host" },
    { kind: "present", seat: 0, present: true },
    { kind: "muted", seat: 0, muted: true, by: "host" },
  ]);
  const { changes } = planResume(seated, { headSlot: undefined, firstFreeSlot: 0 }, ORIGIN_UTC_MS);
  assert.deepEqual(changes.slice(1), [{ kind: "present", seat: 0, present: false }]);
});

test("over any restarts with any clock, no slot is both used and declared, or either one twice", () => {
  const anyRun = fc.record({ clockSlots: fc.integer({ min: -500, max: 1_000 }), soundSlots: fc.nat(40) });
  fc.assert(
    fc.property(fc.array(anyRun, { maxLength: 12 }), (runs) => {
      let changes: (StateChange & { slot?: number })[] = [created, { kind: "live", slot: 0 }];
      const used = new Set<number>();
      let headSlot: number | undefined;
      for (const { clockSlots, soundSlots } of runs) {
        const utcMs = ORIGIN_UTC_MS + clockSlots * 200;
        const begun = planResume(fold(changes), { headSlot, firstFreeSlot: (headSlot ?? -1) + 1 }, utcMs);
        changes = [...changes, ...begun.changes.map((change) => ({ ...change, slot: begun.firstSlot }))];
        for (const change of begun.changes) {
          if (change.kind !== "absence" && change.kind !== "gap") continue;
          for (let slot = change.from; slot < change.to; slot++) claim(slot);
        }
        for (let slot = begun.firstSlot; slot < begun.firstSlot + soundSlots; slot++) {
          claim(slot);
          headSlot = slot;
        }
      }
      assert.equal(used.size, used.size === 0 ? 0 : Math.max(...used) + 1);

      function claim(slot: number): void {
        assert.ok(!used.has(slot), `slot ${slot} twice`);
        used.add(slot);
      }
    }),
  );
});
