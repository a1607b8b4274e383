// Decodes messages and remembers the newest few: an edge sends most messages to all listeners as the same bytes.

import { readFrame } from "@hustings/listener/session/frame-reader.ts";
import type { EdgeMessage } from "@hustings/wire/listen/frames.ts";

const MAX_MESSAGES = 16;
/** Snapshots are longer and differ for each listener. */
const MAX_SHARED_BYTES = 2_048;

export class MessageCache {
  readonly #known = new Map<string, EdgeMessage | undefined>();

  /** Returns `undefined` for an unknown kind. Throws BadFrame. */
  read(payload: Buffer): EdgeMessage | undefined {
    if (payload.length > MAX_SHARED_BYTES) return readFrame(payload);
    const key = payload.toString("latin1");
    const known = this.#known.get(key);
    if (known) return known;
    const message = readFrame(payload);
    if (isShared(message)) this.#keep(key, message);
    return message;
  }

  #keep(key: string, message: EdgeMessage): void {
    this.#known.set(key, message);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_MESSAGES && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** Notices that each listener gets for itself. */
const OWN_NOTICES: ReadonlySet<string> = new Set(["pong", "place", "waiting"]);

function isShared(message: EdgeMessage | undefined): message is EdgeMessage {
  if (message === undefined || message.kind === "snapshot") return false;
  return message.kind !== "notice" || !OWN_NOTICES.has(message.notice.kind);
}
