// The AAC of one space: playlists and recent parts, each encoded at its first request.

import type { Clock } from "@hustings/flow/clock.ts";
import { aacSeconds } from "@hustings/media/container/aac.ts";
import { AAC_PART_SECONDS, aacObjectAt, aacWindow } from "@hustings/media/hls/aac-window.ts";
import { OPUS_VARIANTS } from "@hustings/media/hls/playlist.ts";
import { type HlsWindow, hlsWindow, type ObjectKind, PART_SLOTS, partsOf } from "@hustings/media/hls/segments.ts";
import type { SlotRange } from "@hustings/wire/slots.ts";
import { KEPT_SLOTS, USUAL_RENDITION } from "@hustings/wire/units.ts";
import { hlsLogOf, playlistOf } from "../hls/rendition-cache.ts";
import type { HlsRendition, Playlist } from "../hls/rendition-responses.ts";
import type { FollowedSpace } from "../replica/followed-space.ts";
import { aacPart, type PartOptions } from "./aac-parts.ts";

export interface AacCache extends HlsRendition {
  object(kind: ObjectKind, from: number): Promise<Buffer> | "next" | "none";
  /** `undefined`: no whole segment yet. */
  plainPlaylist(): Playlist | undefined;
}

export interface AacCacheOptions extends PartOptions {
  readonly followed: FollowedSpace;
  readonly clock: Clock;
}

/** As many parts as the kept sound has; the oldest is dropped. */
const MAX_PARTS = KEPT_SLOTS / PART_SLOTS;

export function createAacCache(options: AacCacheOptions): AacCache {
  const { followed, clock } = options;
  const log = hlsLogOf(followed, USUAL_RENDITION, clock);
  const parts = new Map<number, Promise<Buffer>>();
  let seen: { readonly key: string; readonly opus: HlsWindow; readonly aac: HlsWindow } | undefined;
  const written = { low: createNewest<Playlist>(), plain: createNewest<Playlist>() };

  function windows(): { readonly opus: HlsWindow; readonly aac: HlsWindow } {
    const key = `${log.headSlot} ${followed.replica.state.seq} ${log.isOver}`;
    if (seen?.key === key) return seen;
    const opus = hlsWindow(log);
    seen = { key, opus, aac: aacWindow(log, opus) };
    return seen;
  }

  function keyNow(): string {
    const { opus, aac } = windows();
    return `${opus.nextPart} ${aac.nextPart} ${followed.replica.state.seq} ${aac.isEnded ? aac.to : ""}`;
  }

  function part(range: SlotRange): Promise<Buffer> {
    const known = parts.get(range.from);
    if (known) return known;
    const making = aacPart(log, windows().opus, range, options);
    parts.set(range.from, making);
    if (parts.size > MAX_PARTS) parts.delete(parts.keys().next().value as number);
    making.catch(() => parts.get(range.from) === making && parts.delete(range.from));
    return making;
  }

  function segment(range: SlotRange): Promise<Buffer> {
    const joined = Promise.all(partsOf(range).map(part)).then((all) => Buffer.concat(all));
    joined.catch(() => undefined);
    return joined;
  }

  return {
    window: () => windows().aac,
    playlist() {
      const { opus, aac } = windows();
      if (aac.segments.length === 0) return undefined;
      const reports = OPUS_VARIANTS.map(({ folder }) => ({ folder, window: opus }));
      const length = { secondsOf: aacSeconds, partSeconds: AAC_PART_SECONDS };
      return written.low(keyNow(), () => playlistOf({ window: aac, marks: log.marks, reports, ...length }));
    },
    plainPlaylist() {
      const { aac } = windows();
      if (!aac.segments.some(({ isWhole }) => isWhole)) return undefined;
      const length = { secondsOf: aacSeconds, isPlain: true };
      return written.plain(keyNow(), () => playlistOf({ window: aac, marks: log.marks, ...length }));
    },
    object(kind, from) {
      const found = aacObjectAt(log, windows().opus, kind, from);
      if (typeof found === "string") return found;
      return kind === "part" ? part(found) : segment(found);
    },
  };
}

function createNewest<Made>(): (key: string, make: () => Made) => Made {
  let newest: { readonly key: string; readonly made: Made } | undefined;
  return (key, make) => {
    if (newest?.key !== key) newest = { key, made: make() };
    return newest.made;
  };
}
