// Owns which edges hold the door open: the few with the most room, and when all are full the one that answers for all.
// Pure. Refuses to talk to them.

import type { DoorWord, EdgeLoad } from "../process/role-message.ts";

/** One edge as its parent knows it. */
export interface EdgeAtDoor extends EdgeLoad {
  readonly index: number;
  readonly isOpen: boolean;
}

/**
 * Every process that listens on one socket is woken for every arrival, and all but one in vain; too few, and a busy one
 * keeps people waiting. docs/decisions/0010-door.md has the numbers.
 */
export function holdersOf(coresCount: number): number {
  return Math.min(8, Math.max(2, coresCount));
}

/** An edge takes the turn of one that holds the door when it has so much more room: turns should not change by the second. */
const WORTH_A_TURN = 1.1;

/**
 * The word for each edge, by its index. At most `holders` accept, those with the most places, and who holds the door
 * keeps it while it has about as many as the others. When nobody has a place exactly one accepts: where people wait
 * already, else the first.
 */
export function wordsFor(edges: readonly EdgeAtDoor[], holders: number): ReadonlyMap<number, DoorWord> {
  const open = new Set(openOnes(edges, holders));
  const allWaiting = sum(edges, ({ waiting }) => waiting);
  return new Map(
    edges.map((edge) => {
      const others = edges.filter((other) => other !== edge);
      const places = sum(others, (other) => Math.max(0, other.places - other.waiting));
      const share = edge.waiting === 0 ? 1 : edge.waiting / allWaiting;
      const word = {
        isOpen: open.has(edge.index),
        elsewherePlaces: Math.floor(places * share),
        elsewhereWaiting: allWaiting - edge.waiting,
      };
      return [edge.index, word];
    }),
  );
}

function openOnes(edges: readonly EdgeAtDoor[], holders: number): readonly number[] {
  const withRoom = edges.filter(({ places }) => places > 0);
  if (withRoom.length === 0) return doorkeeper(edges);
  const weight = ({ places, isOpen }: EdgeAtDoor): number => (isOpen ? places * WORTH_A_TURN : places);
  const byRoom = withRoom.toSorted((a, b) => weight(b) - weight(a) || a.index - b.index);
  return byRoom.slice(0, holders).map(({ index }) => index);
}

function doorkeeper(edges: readonly EdgeAtDoor[]): readonly number[] {
  const [first] = edges.toSorted((a, b) => b.waiting - a.waiting || a.index - b.index);
  return first === undefined ? [] : [first.index];
}

function sum(edges: readonly EdgeAtDoor[], of: (edge: EdgeAtDoor) => number): number {
  return edges.reduce((total, edge) => total + of(edge), 0);
}
