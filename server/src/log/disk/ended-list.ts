// The spaces that have ended, in `.ended`, so that a start need not read their logs. A missing space is read again.

import { appendFile, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isSpaceId, type SpaceId } from "@hustings/wire/ids.ts";

/** Unix time of the end, by space. */
export type EndedSpaceTimes = ReadonlyMap<SpaceId, number>;

export interface EndedList {
  /** Empty if the file cannot be read. */
  load(): Promise<EndedSpaceTimes>;
  /** If that fails, the space is read at the next start. */
  add(id: SpaceId, endedUtcMs: number): Promise<void>;
  replace(spaces: EndedSpaceTimes): Promise<void>;
}

export function createEndedList(folder: string): EndedList {
  const path = join(folder, ".ended");
  let last: Promise<void> = Promise.resolve();

  function inTurn(change: () => Promise<void>): Promise<void> {
    last = last.then(change).catch(() => undefined);
    return last;
  }

  return {
    async load() {
      const text = await readFile(path, "utf8").catch(() => "");
      return new Map(text.split("\n").flatMap(readLine));
    },
    add: (id, endedUtcMs) => inTurn(() => appendFile(path, lineOf(id, endedUtcMs), { mode: 0o600 })),
    replace: (spaces) =>
      inTurn(async () => {
        const lines = [...spaces].map(([id, endedUtcMs]) => lineOf(id, endedUtcMs));
        await writeFile(`${path}.new`, lines.join(""), { mode: 0o600 });
        await rename(`${path}.new`, path);
      }),
  };
}

function lineOf(id: SpaceId, endedUtcMs: number): string {
  return `${id} ${endedUtcMs}.\n`;
}

// The full stop shows that the line was not cut short.
function readLine(line: string): [SpaceId, number][] {
  const [, id, time] = /^(\w+) (\d{1,15})\.$/.exec(line) ?? [];
  return isSpaceId(id) ? [[id, Number(time)]] : [];
}
