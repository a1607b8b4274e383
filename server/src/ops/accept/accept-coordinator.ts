// Runs in the parent: instructs each edge whether to accept connections, from the load that edges report.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import type { DoorHandle } from "../host/ports.ts";
import type { Logger } from "../logger.ts";
import type { Child } from "../process/child.ts";
import type { AcceptInstruction, EdgeLoad, RoleMessage } from "../process/role-message.ts";
import { type EdgeStanding, instructionsFor } from "./accept-policy.ts";

export interface AcceptCoordinator extends Disposable {
  onMessage(child: Child, message: RoleMessage): void;
  onGone(child: Child): void;
}

export interface AcceptCoordinatorOptions {
  readonly door: DoorHandle;
  readonly maxAccepting: number;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Known {
  readonly load: EdgeLoad;
  /** Absent: none yet, the edge accepts. */
  readonly instruction?: AcceptInstruction;
}

/** Load reports that arrive within this time are answered together. */
const GATHER_MS = 100;

export function createAcceptCoordinator({
  door,
  maxAccepting,
  clock,
  log,
}: AcceptCoordinatorOptions): AcceptCoordinator {
  const edges = new Map<Child, Known>();
  let timer: Timer | undefined;
  let wasFull = false;
  let isOver = false;

  function soon(): void {
    if (!isOver) timer ??= clock.after(GATHER_MS, sendInstructions);
  }

  function sendInstructions(): void {
    timer = undefined;
    const all = [...edges].map(
      ([child, { load, instruction }]): EdgeStanding => ({
        ...load,
        index: child.name.index,
        isOpen: instruction?.isOpen ?? true,
      }),
    );
    const instructions = instructionsFor(all, maxAccepting);
    for (const [child, known] of edges) {
      const instruction = instructions.get(child.name.index);
      if (instruction === undefined || isSame(instruction, known.instruction)) continue;
      edges.set(child, { ...known, instruction });
      child.send({ kind: "accept", ...instruction });
    }
    logFullness(all);
  }

  function logFullness(all: readonly EdgeStanding[]): void {
    const isFull = all.length > 0 && all.every(({ places }) => places === 0);
    if (isFull === wasFull) return;
    wasFull = isFull;
    const listeners = all.reduce((sum, edge) => sum + edge.listeners, 0);
    if (isFull) log.warn({ listeners }, "Every edge is full; newcomers queue at the door.");
    else log.info({ listeners }, "There are free places again.");
  }

  return {
    onMessage(child, message) {
      if (message.kind === "spare") child.send({ kind: "door" }, door);
      if (message.kind !== "load") return;
      const { listeners, places, waiting } = message;
      edges.set(child, { ...edges.get(child), load: { listeners, places, waiting } });
      soon();
    },
    onGone(child) {
      if (edges.delete(child)) soon();
    },
    [Symbol.dispose]() {
      isOver = true;
      timer?.cancel();
    },
  };
}

function isSame(a: AcceptInstruction, b: AcceptInstruction | undefined): boolean {
  return (
    b !== undefined &&
    a.isOpen === b.isOpen &&
    a.elsewherePlaces === b.elsewherePlaces &&
    a.elsewhereWaiting === b.elsewhereWaiting
  );
}
