// Decides which edges accept: the few with the most free places, or, when all are full, the one with the queue.

import type { AcceptInstruction, EdgeLoad } from "../process/role-message.ts";

export interface EdgeStanding extends EdgeLoad {
  readonly index: number;
  readonly isOpen: boolean;
}

/**
 * Every listening process wakes for every arrival, all but one in vain; with too few, a busy one keeps newcomers
 * waiting. docs/decisions/0010-door.md has the numbers.
 */
export function acceptingEdgesFor(coresCount: number): number {
  return Math.min(8, Math.max(2, coresCount));
}

/** An edge takes over only with this many times the places of an accepting one, so that turns do not flap. */
const TURN_RATIO = 1.1;

/**
 * Instructions by edge index. The `maxAccepting` edges with the most free places accept, those that already do first.
 * Without free places exactly one does: the one with the longest queue, else the first.
 */
export function instructionsFor(
  edges: readonly EdgeStanding[],
  maxAccepting: number,
): ReadonlyMap<number, AcceptInstruction> {
  const open = new Set(acceptingOf(edges, maxAccepting));
  const allWaiting = sum(edges, ({ waiting }) => waiting);
  return new Map(
    edges.map((edge) => {
      const others = edges.filter((other) => other !== edge);
      const places = sum(others, (other) => Math.max(0, other.places - other.waiting));
      const share = edge.waiting === 0 ? 1 : edge.waiting / allWaiting;
      const instruction = {
        isOpen: open.has(edge.index),
        elsewherePlaces: Math.floor(places * share),
        elsewhereWaiting: allWaiting - edge.waiting,
      };
      return [edge.index, instruction];
    }),
  );
}

function acceptingOf(edges: readonly EdgeStanding[], maxAccepting: number): readonly number[] {
  const withRoom = edges.filter(({ places }) => places > 0);
  if (withRoom.length === 0) return queueKeeper(edges);
  const weight = ({ places, isOpen }: EdgeStanding): number => (isOpen ? places * TURN_RATIO : places);
  const byRoom = withRoom.toSorted((a, b) => weight(b) - weight(a) || a.index - b.index);
  return byRoom.slice(0, maxAccepting).map(({ index }) => index);
}

function queueKeeper(edges: readonly EdgeStanding[]): readonly number[] {
  const [first] = edges.toSorted((a, b) => b.waiting - a.waiting || a.index - b.index);
  return first === undefined ? [] : [first.index];
}

function sum(edges: readonly EdgeStanding[], of: (edge: EdgeStanding) => number): number {
  return edges.reduce((total, edge) => total + of(edge), 0);
}
