// Owns an edge's side of what it shares with its parent: handles on the door, the parent's word, its own load. Refuses to
// accept a connection and to decide who does.

import type { DoorHandle } from "../host/ports.ts";
import { type DoorWord, type EdgeLoad, isParentSaid, type RoleAnswer } from "../process/role-message.ts";

export interface DoorLink {
  /**
   * A handle on the door for this process to listen on; another is asked for at once, to be kept for the next time.
   * `undefined`: none is left just now.
   */
  take(): DoorHandle | undefined;
  /** The parent's newest word; `undefined` before the first, and once the parent is gone. */
  readonly word: DoorWord | undefined;
  /** The parent is gone, and no word will come any more. */
  readonly isOrphan: boolean;
  tell(load: EdgeLoad): void;
  /** Called after every word, every handle that came, and when the parent is gone. */
  onChange: () => void;
}

/** The link of this process; its first handle came with the start. */
export function openDoorLink(first: DoorHandle | undefined): DoorLink {
  const spares: DoorHandle[] = first === undefined ? [] : [first];
  let word: DoorWord | undefined;
  const link = {
    get word() {
      return word;
    },
    get isOrphan() {
      return !process.connected;
    },
    take() {
      const handle = spares.pop();
      if (handle !== undefined) say({ kind: "spare" });
      return handle;
    },
    tell: (load: EdgeLoad) => say({ kind: "load", ...load }),
    onChange: () => {},
  };
  process.on("message", (said: unknown, handle: unknown) => {
    if (!isParentSaid(said)) return;
    if (said.kind === "word") word = said;
    else if (handle !== undefined) spares.push(handle as DoorHandle);
    link.onChange();
  });
  process.on("disconnect", () => {
    word = undefined;
    link.onChange();
  });
  return link;
}

// A parent that died a moment ago is told nothing; that it is gone is learned by `disconnect`.
function say(answer: RoleAnswer): void {
  if (process.connected && process.send) process.send(answer, undefined, undefined, () => {});
}
