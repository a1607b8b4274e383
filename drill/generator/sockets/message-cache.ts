// Owns that a message which thousands get is read once: most are the same bytes for all. Refuses to act on any. Bounded:
// the newest few.

import { decodeFrame, type EdgeMessage } from "@hustings/wire/listen/frames.ts";

const MAX_MESSAGES = 16;
/** Snapshots are longer, and no two alike. */
const MAX_SHARED_BYTES = 2_048;

export class SharedMessages {
  readonly #known = new Map<string, EdgeMessage | undefined>();

  /** Throws BadFrame. `undefined`: of a kind that is not known. */
  read(payload: Buffer): EdgeMessage | undefined {
    if (payload.length > MAX_SHARED_BYTES) return decodeFrame(payload);
    const key = payload.toString("latin1");
    const known = this.#known.get(key);
    if (known) return known;
    const message = decodeFrame(payload);
    if (isForMany(message)) this.#keep(key, message);
    return message;
  }

  #keep(key: string, message: EdgeMessage): void {
    this.#known.set(key, message);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_MESSAGES && oldest !== undefined) this.#known.delete(oldest);
  }
}

function isForMany(message: EdgeMessage | undefined): message is EdgeMessage {
  if (message === undefined || message.kind === "snapshot") return false;
  return message.kind !== "notice" || message.notice.kind !== "pong";
}
