// Reads request bodies before the process behind the edge learns of them, so that slow bodies hold nothing there.

import type { IncomingMessage } from "node:http";
import { Refusal } from "@hustings/wire/errors.ts";

export interface RequestBodies {
  /**
   * Throws `too-large` as early as possible, `bad-request` if the body breaks off, `too-slow` if newer bodies need the
   * room.
   */
  read(request: IncomingMessage): Promise<Buffer>;
  readonly reading: number;
}

export interface RequestBodiesLimits {
  readonly maxBodyBytes: number;
  /** Beyond it the body that began first is refused. */
  readonly maxBodies: number;
  readonly maxBytes: number;
}

const brokenOff = () => new Refusal("bad-request", "The body ended early.");

interface Reading {
  bytes: number;
  readonly refuse: (refusal: Refusal) => void;
}

export function createRequestBodies({ maxBodyBytes, maxBodies, maxBytes }: RequestBodiesLimits): RequestBodies {
  const readings = new Set<Reading>();
  let heldBytes = 0;

  function makeRoom(): void {
    while (readings.size > maxBodies || heldBytes > maxBytes) {
      const [oldest] = readings;
      if (oldest === undefined) return;
      forget(oldest);
      oldest.refuse(new Refusal("too-slow", "The body took too long to arrive."));
    }
  }

  function forget(reading: Reading): void {
    if (readings.delete(reading)) heldBytes -= reading.bytes;
  }

  return {
    async read(request) {
      const tooLarge = () => new Refusal("too-large", `A body has at most ${maxBodyBytes} bytes.`);
      if (Number(request.headers["content-length"] ?? 0) > maxBodyBytes) throw tooLarge();
      if (request.readableEnded) return Buffer.alloc(0);
      if (request.destroyed) throw brokenOff();
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      const parts: Buffer[] = [];
      const reading: Reading = { bytes: 0, refuse: reject };
      const onClose = () => reject(brokenOff());
      const onData = (part: Buffer): void => {
        reading.bytes += part.length;
        heldBytes += part.length;
        parts.push(part);
        if (reading.bytes > maxBodyBytes) reject(tooLarge());
        else makeRoom();
      };
      const onEnd = () => resolve(Buffer.concat(parts));
      readings.add(reading);
      makeRoom();
      request.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
      try {
        return await promise;
      } finally {
        request.off("data", onData).off("end", onEnd).off("close", onClose);
        forget(reading);
        // The response needs the connection although some of the body is unread.
        request.resume();
      }
    },
    get reading() {
      return readings.size;
    },
  };
}
