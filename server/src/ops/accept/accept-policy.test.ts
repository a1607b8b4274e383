import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { acceptingEdgesFor, type EdgeStanding, instructionsFor } from "./accept-policy.ts";

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
  .map((all): EdgeStanding[] => all.map((one, index) => ({ ...one, index })));

test("at least one edge accepts, never more than allowed, and only edges with free places while there are any", () => {
  fc.assert(
    fc.property(edges, fc.integer({ min: 1, max: 8 }), (all, maxAccepting) => {
      const instructions = instructionsFor(all, maxAccepting);
      const open = all.filter(({ index }) => instructions.get(index)?.isOpen);
      const withRoom = all.filter(({ places }) => places > 0);
      const expected = withRoom.length > 0 ? Math.min(maxAccepting, withRoom.length) : Math.min(1, all.length);
      assert.equal(open.length, expected);
      if (withRoom.length > 0) assert.ok(open.every(({ places }) => places > 0));
    }),
  );
});

test("shares free places among the queues and offers none twice", () => {
  fc.assert(
    fc.property(edges, (all) => {
      const instructions = instructionsFor(all, 2);
      const given = all
        .filter(({ waiting }) => waiting > 0)
        .map(({ index }) => instructions.get(index)?.elsewherePlaces ?? 0);
      const places = all.reduce((sum, one) => sum + one.places, 0);
      assert.ok(given.reduce((sum, one) => sum + one, 0) <= places);
    }),
  );
});

test("does not offer the places of an edge to other queues while its own queue needs them", () => {
  const at = (index: number, places: number, waiting: number) => ({
    index,
    places,
    waiting,
    listeners: 9,
    isOpen: true,
  });
  const instructions = instructionsFor([at(0, 0, 3), at(1, 5, 4), at(2, 1, 2)], 4);
  assert.equal(instructions.get(0)?.elsewherePlaces, 0, "a third of the one place that is left");
  assert.equal(instructionsFor([at(0, 0, 3), at(1, 5, 4)], 4).get(0)?.elsewherePlaces, 0);
  assert.equal(instructionsFor([at(0, 0, 3), at(1, 9, 0)], 4).get(0)?.elsewherePlaces, 9);
});

test("an accepting edge keeps its turn until another has a tenth more free places", () => {
  const edge = (index: number, places: number, isOpen: boolean): EdgeStanding => ({
    index,
    places,
    isOpen,
    listeners: 0,
    waiting: 0,
  });
  const holder = (all: EdgeStanding[]) => [...instructionsFor(all, 1)].find(([, { isOpen }]) => isOpen)?.[0];
  assert.equal(holder([edge(0, 1_000, true), edge(1, 1_050, false)]), 0);
  assert.equal(holder([edge(0, 1_000, true), edge(1, 1_200, false)]), 1);
});

test("when all edges are full, the one with a queue accepts", () => {
  const full = { listeners: 9, places: 0, isOpen: true };
  const instructions = instructionsFor(
    [
      { ...full, index: 0, waiting: 0 },
      { ...full, index: 1, waiting: 3 },
    ],
    4,
  );
  assert.deepEqual([instructions.get(0)?.isOpen, instructions.get(1)?.isOpen], [false, true]);
  assert.equal(instructions.get(0)?.elsewhereWaiting, 3);
});

test("as many edges accept as there are cores, at least two and at most eight", () => {
  assert.deepEqual([1, 2, 4, 64].map(acceptingEdgesFor), [2, 2, 4, 8]);
});
