// Decides which edges accept connections: the few with the most free places, or when all are full the one that manages
// the queue.

import type { AcceptInstruction, EdgeLoad } from "../process/role-message.ts";

/** One edge, as its parent knows it. */
export interface EdgeStanding extends EdgeLoad {
  readonly index: number;
  readonly isOpen: boolean;
}

/**
 * How many edges accept at once. Every process that listens on a socket wakes for every arrival, all but one in vain; with
 * too few listening, a busy one keeps newcomers waiting. docs/decisions/0010-door.md has the numbers.
 */
export function acceptingEdgesFor(coresCount: number): number {
  return Math.min(8, Math.max(2, coresCount));
}

/** An edge replaces an accepting one only when it has this many times its free places, so that turns do not flap. */
const TURN_RATIO = 1.1;

/**
 * The instruction for each edge, by its index. At most `maxAccepting` edges accept: those with the most free places, where an
 * edge that accepts already keeps its turn while it has about as many as the others. When no edge has a free place exactly
 * one accepts: the one with the longest queue, else the first.
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
