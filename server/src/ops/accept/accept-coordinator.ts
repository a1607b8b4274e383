// Owns telling edges whose turn at the door it is, from what they tell of their room. Refuses to accept a connection:
// without it edges go on as they are.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import type { DoorHandle } from "../host/ports.ts";
import type { Logger } from "../logger.ts";
import type { Child } from "../process/child.ts";
import type { DoorWord, EdgeLoad, RoleAnswer } from "../process/role-message.ts";
import { type EdgeAtDoor, wordsFor } from "./accept-policy.ts";

export interface Warden extends Disposable {
  /** What an edge's process said. */
  heard(child: Child, said: RoleAnswer): void;
  /** The process is gone. */
  gone(child: Child): void;
}

export interface WardenOptions {
  /** What edges get when they ask for a handle. */
  readonly door: DoorHandle;
  /** How many accept at once. */
  readonly holders: number;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Known {
  readonly load: EdgeLoad;
  /** Absent before the first: an edge begins with an open door. */
  readonly word?: DoorWord;
}

/** Loads of many edges that come together are answered together. */
const GATHER_MS = 100;

export function createWarden({ door, holders, clock, log }: WardenOptions): Warden {
  const edges = new Map<Child, Known>();
  let timer: Timer | undefined;
  let wasFull = false;
  let isOver = false;

  function soon(): void {
    if (!isOver) timer ??= clock.after(GATHER_MS, sayWords);
  }

  function sayWords(): void {
    timer = undefined;
    const all = [...edges].map(
      ([child, { load, word }]): EdgeAtDoor => ({ ...load, index: child.name.index, isOpen: word?.isOpen ?? true }),
    );
    const words = wordsFor(all, holders);
    for (const [child, known] of edges) {
      const word = words.get(child.name.index);
      if (word === undefined || isSame(word, known.word)) continue;
      edges.set(child, { ...known, word });
      child.say({ kind: "word", ...word });
    }
    tellFullness(all);
  }

  function tellFullness(all: readonly EdgeAtDoor[]): void {
    const isFull = all.length > 0 && all.every(({ places }) => places === 0);
    if (isFull === wasFull) return;
    wasFull = isFull;
    const listeners = all.reduce((sum, edge) => sum + edge.listeners, 0);
    if (isFull) log.warn({ listeners }, "Every edge is full; whoever comes now waits at the door.");
    else log.info({ listeners }, "There is room again.");
  }

  return {
    heard(child, said) {
      if (said.kind === "spare") child.say({ kind: "door" }, door);
      if (said.kind !== "load") return;
      const { listeners, places, waiting } = said;
      edges.set(child, { ...edges.get(child), load: { listeners, places, waiting } });
      soon();
    },
    gone(child) {
      if (edges.delete(child)) soon();
    },
    [Symbol.dispose]() {
      isOver = true;
      timer?.cancel();
    },
  };
}

function isSame(a: DoorWord, b: DoorWord | undefined): boolean {
  return (
    b !== undefined &&
    a.isOpen === b.isOpen &&
    a.elsewherePlaces === b.elsewherePlaces &&
    a.elsewhereWaiting === b.elsewhereWaiting
  );
}
