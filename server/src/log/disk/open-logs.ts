// A store's open logs: opened for a first pen, closed with the newest.

import type { SpaceId } from "@hustings/wire/ids.ts";

export interface OpenLog<Pen> {
  readonly isInUse: boolean;
  takePen(): Promise<Pen>;
  close(): Promise<void>;
}

export interface OpenLogs<Log, Pen> {
  get(id: SpaceId): Log | undefined;
  /** Runs `act` after everything asked for the same space before. */
  inTurn<Result>(id: SpaceId, act: () => Promise<Result>): Promise<Result>;
  /** Opens the log if need be. Call in a turn. */
  takePen(id: SpaceId): Promise<Pen>;
  close(id: SpaceId): Promise<void>;
  closeAll(): Promise<void>;
}

/** The log calls `onUnused` when its newest pen is closed. */
export function createOpenLogs<Pen, Log extends OpenLog<Pen>>(
  open: (id: SpaceId, onUnused: () => Promise<void>) => Promise<Log>,
): OpenLogs<Log, Pen> {
  const logs = new Map<SpaceId, Log>();
  const turns = new Map<SpaceId, Promise<unknown>>();

  function inTurn<Result>(id: SpaceId, act: () => Promise<Result>): Promise<Result> {
    const turn = (turns.get(id) ?? Promise.resolve()).then(act);
    const ended = turn
      .catch(() => undefined)
      .finally(() => {
        if (turns.get(id) === ended) turns.delete(id);
      });
    turns.set(id, ended);
    return turn;
  }

  async function close(id: SpaceId): Promise<void> {
    const log = logs.get(id);
    logs.delete(id);
    await log?.close();
  }

  async function closeUnused(id: SpaceId): Promise<void> {
    if (!logs.get(id)?.isInUse) await close(id);
  }

  return {
    get: (id) => logs.get(id),
    inTurn,
    async takePen(id) {
      const log = logs.get(id) ?? (await open(id, () => inTurn(id, () => closeUnused(id))));
      logs.set(id, log);
      try {
        return await log.takePen();
      } finally {
        await closeUnused(id);
      }
    },
    close,
    async closeAll() {
      for (const id of [...logs.keys()]) await inTurn(id, () => close(id));
    },
  };
}
