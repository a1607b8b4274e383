// Proves whose turn at the door it is, for every state that the edges can be in.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type EdgeAtDoor, holdersOf, wordsFor } from "./accept-policy.ts";

const edges = fc
  .array(
    fc.record({
      listeners: fc.nat(20_000),
      places: fc.oneof(fc.constant(0), fc.nat(20_000)),
      waiting: fc.oneof(fc.constant(0), fc.nat(1_000)),
      isOpen: fc.boolean(),
    }),
    { maxLength: 40 },
  )
  .map((all): EdgeAtDoor[] => all.map((one, index) => ({ ...one, index })));

test("somebody always holds the door, never more than may, and only edges with places while there are any", () => {
  fc.assert(
    fc.property(edges, fc.integer({ min: 1, max: 8 }), (all, holders) => {
      const words = wordsFor(all, holders);
      const open = all.filter(({ index }) => words.get(index)?.isOpen);
      const withRoom = all.filter(({ places }) => places > 0);
      const expected = withRoom.length > 0 ? Math.min(holders, withRoom.length) : Math.min(1, all.length);
      assert.equal(open.length, expected);
      if (withRoom.length > 0) assert.ok(open.every(({ places }) => places > 0));
    }),
  );
});

test("places elsewhere are shared out among those who wait, and never twice", () => {
  fc.assert(
    fc.property(edges, (all) => {
      const words = wordsFor(all, 2);
      const given = all.filter(({ waiting }) => waiting > 0).map(({ index }) => words.get(index)?.elsewherePlaces ?? 0);
      const places = all.reduce((sum, one) => sum + one.places, 0);
      assert.ok(given.reduce((sum, one) => sum + one, 0) <= places);
    }),
  );
});

test("places of an edge where people wait for them already are not offered elsewhere", () => {
  const at = (index: number, places: number, waiting: number) => ({
    index,
    places,
    waiting,
    listeners: 9,
    isOpen: true,
  });
  const words = wordsFor([at(0, 0, 3), at(1, 5, 4), at(2, 1, 2)], 4);
  assert.equal(words.get(0)?.elsewherePlaces, 0, "a third of the one place that is left");
  assert.equal(wordsFor([at(0, 0, 3), at(1, 5, 4)], 4).get(0)?.elsewherePlaces, 0);
  assert.equal(wordsFor([at(0, 0, 3), at(1, 9, 0)], 4).get(0)?.elsewherePlaces, 9);
});

test("who holds the door keeps it until another has a tenth more room", () => {
  const edge = (index: number, places: number, isOpen: boolean): EdgeAtDoor => ({
    index,
    places,
    isOpen,
    listeners: 0,
    waiting: 0,
  });
  const holder = (all: EdgeAtDoor[]) => [...wordsFor(all, 1)].find(([, { isOpen }]) => isOpen)?.[0];
  assert.equal(holder([edge(0, 1_000, true), edge(1, 1_050, false)]), 0);
  assert.equal(holder([edge(0, 1_000, true), edge(1, 1_200, false)]), 1);
});

test("when all are full the one where people wait keeps the door", () => {
  const full = { listeners: 9, places: 0, isOpen: true };
  const words = wordsFor(
    [
      { ...full, index: 0, waiting: 0 },
      { ...full, index: 1, waiting: 3 },
    ],
    4,
  );
  assert.deepEqual([words.get(0)?.isOpen, words.get(1)?.isOpen], [false, true]);
  assert.equal(words.get(0)?.elsewhereWaiting, 3);
});

test("as many hold the door as there are cores, at least two and at most eight", () => {
  assert.deepEqual([1, 2, 4, 64].map(holdersOf), [2, 2, 4, 8]);
});
