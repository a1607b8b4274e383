// The pictures of links to spaces, made on request: one at a time, at a bounded rate, and kept as long as there is room.

import type { Clock } from "@hustings/flow/clock.ts";
import { createTokenBucket } from "@hustings/flow/token-bucket.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import type { LogArchive } from "../log/port.ts";
import type { DrawPicture } from "./draw-picture.ts";

export interface LinkPictures {
  /** `undefined`: too many are requested, or none can be made here; the static picture serves then. Throws `no-space`. */
  pictureOf(id: SpaceId): Promise<Uint8Array | undefined>;
}

export interface LinkPicturesOptions {
  readonly archive: LogArchive;
  readonly clock: Clock;
  /** Called once, at the first request; `undefined`: pictures cannot be made on this platform. */
  readonly openDrawing: () => Promise<DrawPicture | undefined>;
  /** Called when a picture cannot be made; it is tried again when it is requested again. */
  readonly onFailure: (cause: unknown) => void;
}

/** About 60 KB each. The one that nobody requested for longest goes first. */
export const MAX_KEPT_PICTURES = 64;
export const MAX_WAITING_PICTURES = 8;
/** New pictures; each takes about a tenth of a second of a core. */
const PER_SECOND = 1;
export const PICTURE_BURST = 30;

export function createLinkPictures({ archive, clock, openDrawing, onFailure }: LinkPicturesOptions): LinkPictures {
  const kept = new Map<string, Promise<Uint8Array | undefined>>();
  const rate = createTokenBucket(clock, PER_SECOND, PICTURE_BURST);
  let drawing: Promise<DrawPicture | undefined> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  function make(key: string, facts: Parameters<DrawPicture>[0]): Promise<Uint8Array | undefined> {
    waiting += 1;
    const making = last
      .then(async () => {
        drawing ??= openDrawing();
        return (await drawing)?.(facts);
      })
      .catch((cause: unknown) => {
        kept.delete(key);
        onFailure(cause);
        return undefined;
      })
      .finally(() => {
        waiting -= 1;
      });
    last = making;
    return making;
  }

  return {
    async pictureOf(id) {
      await using log = await archive.read(id);
      if (log === undefined) throw new Refusal("no-space");
      const { title, host, phase } = log.state();
      const facts = { title, host: host?.name ?? "", phase };
      const key = JSON.stringify(facts);
      const known = kept.get(key);
      if (known === undefined && (waiting >= MAX_WAITING_PICTURES || rate.takeMs() > 0)) return undefined;
      const picture = known ?? make(key, facts);
      kept.delete(key);
      kept.set(key, picture);
      for (const oldest of kept.keys()) if (kept.size > MAX_KEPT_PICTURES) kept.delete(oldest);
      return picture;
    },
  };
}
