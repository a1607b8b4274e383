// The contents of a compacted state lane: dated entries, and the folded state in two copies. docs/log.md is normative.

import { foldAll, type SpaceState, type StateEntry } from "@hustings/wire/log/state.ts";
import { type Entry, encodeEntry } from "../entry-lines.ts";

export const FOLDED = "folded";

/** A line of a compacted lane: the fold of every entry up to `state.seq`. */
export interface FoldedLine extends Entry {
  readonly kind: typeof FOLDED;
  readonly state: SpaceState;
}

/** Bytes of entries that a compacted lane keeps besides those of ALWAYS_KEPT: about 1,500. The oldest go first. */
export const MAX_HISTORY_BYTES = 192 * 1024;

const ALWAYS_KEPT: ReadonlySet<string> = new Set<StateEntry["kind"]>(["created", "live", "ended"]);
/** A raised hand, a seat or a mute matters only until the next entry about it, and the state has that. */
const NEVER_KEPT: ReadonlySet<string> = new Set<StateEntry["kind"] | typeof FOLDED>([
  "seated",
  "present",
  "left",
  "muted",
  "hand",
  "invited",
  "uninvited",
  FOLDED,
]);

export interface LaneHistory {
  add(entry: Entry): void;
  /** The lines of the compacted lane; `state` is the fold of every entry so far, at least two. */
  compactedLines(state: SpaceState): Buffer;
}

interface KeptLine {
  readonly seq: number;
  readonly line: Buffer;
}

export function createLaneHistory(): LaneHistory {
  const always: KeptLine[] = [];
  const history: KeptLine[] = [];
  let historyBytes = 0;
  let newest: Entry | undefined;

  function keep(kept: KeptLine): void {
    history.push(kept);
    historyBytes += kept.line.length;
    while (historyBytes > MAX_HISTORY_BYTES) historyBytes -= history.shift()?.line.length ?? 0;
  }

  return {
    add(entry) {
      newest = entry;
      if (NEVER_KEPT.has(entry.kind)) return;
      const kept = { seq: entry.seq, line: encodeEntry(entry) };
      if (ALWAYS_KEPT.has(entry.kind)) always.push(kept);
      else keep(kept);
    },
    // The copies of the state have the numbers of the two newest entries: numbers ascend in a lane.
    compactedLines(state) {
      const { slot = 0, utcMs = 0 } = newest ?? {};
      const copies = [state.seq - 1, state.seq].map((seq): FoldedLine => ({ seq, slot, utcMs, kind: FOLDED, state }));
      const kept = [...always, ...history].filter(({ seq }) => seq < state.seq - 1).sort((a, b) => a.seq - b.seq);
      return Buffer.concat([...kept.map(({ line }) => line), ...copies.map((copy) => encodeEntry(copy))]);
    },
  };
}

/** Splits at the newest state in a lane, if any. */
export function splitAtState(entries: readonly Entry[]): { readonly state?: SpaceState; readonly after: StateEntry[] } {
  const at = entries.findLastIndex(isFolded);
  const after = entries.slice(at + 1) as StateEntry[];
  return at < 0 ? { after } : { state: (entries[at] as FoldedLine).state, after };
}

/** Folds on from `from`; `undefined`: there are no entries. */
export function stateOf(entries: readonly Entry[], from?: SpaceState): SpaceState | undefined {
  const { state = from, after } = splitAtState(entries);
  return state === undefined && after.length === 0 ? undefined : foldAll(after, state);
}

function isFolded(entry: Entry): boolean {
  const { state } = entry as Partial<FoldedLine>;
  return entry.kind === FOLDED && typeof state === "object" && state !== null && Number.isSafeInteger(state.seq);
}
