// Runs in an edge: receives handles on the public door and the parent's instructions, and reports the edge's load.

import type { DoorHandle } from "../host/ports.ts";
import { type AcceptInstruction, type EdgeLoad, isParentMessage, type RoleMessage } from "../process/role-message.ts";

export interface DoorLink {
  /** A handle to listen on; another is requested for the next call. `undefined`: none is here yet. */
  take(): DoorHandle | undefined;
  /** The newest; `undefined` before the first, and once the parent is gone. */
  readonly instruction: AcceptInstruction | undefined;
  readonly isOrphan: boolean;
  report(load: EdgeLoad): void;
  /** Called after every instruction and handle, and when the parent is gone. */
  onChange: () => void;
}

export function openDoorLink(first: DoorHandle | undefined): DoorLink {
  const spares: DoorHandle[] = first === undefined ? [] : [first];
  let instruction: AcceptInstruction | undefined;
  const link = {
    get instruction() {
      return instruction;
    },
    get isOrphan() {
      return !process.connected;
    },
    take() {
      const handle = spares.pop();
      if (handle !== undefined) send({ kind: "spare" });
      return handle;
    },
    report: (load: EdgeLoad) => send({ kind: "load", ...load }),
    onChange: () => {},
  };
  process.on("message", (message: unknown, handle: unknown) => {
    if (!isParentMessage(message)) return;
    if (message.kind === "accept") instruction = message;
    else if (handle !== undefined) spares.push(handle as DoorHandle);
    link.onChange();
  });
  process.on("disconnect", () => {
    instruction = undefined;
    link.onChange();
  });
  return link;
}

function send(message: RoleMessage): void {
  if (process.connected && process.send) process.send(message, undefined, undefined, () => {});
}
