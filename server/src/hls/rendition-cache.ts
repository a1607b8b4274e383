// One rendition's HLS playlist, parts and segments, each made once for all listeners and the same at every edge.

import { gzipSync } from "node:zlib";
import type { Clock } from "@hustings/flow/clock.ts";
import { aacWindow } from "@hustings/media/hls/aac-window.ts";
import { type HoldLoop, hlsObject } from "@hustings/media/hls/opus-parts.ts";
import { AAC_VARIANT, type HlsReport, type MediaPlaylist, mediaPlaylist } from "@hustings/media/hls/playlist.ts";
import { type HlsLog, type HlsWindow, hlsWindow, type ObjectKind, objectAt } from "@hustings/media/hls/segments.ts";
import { KEPT_SLOTS, RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import { END_MS } from "../replica/follow-limits.ts";
import type { FollowedSpace } from "../replica/followed-space.ts";
import type { HlsRendition, Playlist } from "./rendition-responses.ts";

export interface RenditionCache extends HlsRendition {
  object(kind: ObjectKind, from: number): Buffer | "next" | "none";
}

export interface RenditionCacheOptions {
  readonly followed: FollowedSpace;
  readonly rendition: Rendition;
  readonly clock: Clock;
  readonly loop: HoldLoop;
  /** Whether the playlist also names the packager's AAC. */
  readonly hasAac: boolean;
}

/** All of the kept sound and some more; the oldest is dropped. */
const MAX_OBJECTS = KEPT_SLOTS / 4;

export function createRenditionCache({
  followed,
  rendition,
  clock,
  loop,
  hasAac,
}: RenditionCacheOptions): RenditionCache {
  const { replica } = followed;
  const others = RENDITIONS.filter((one) => one !== rendition);
  const objects = new Map<string, Buffer>();
  let cachedWindow: { readonly key: string; readonly window: HlsWindow } | undefined;
  let cachedPlaylist: { readonly key: string; readonly playlist: Playlist } | undefined;

  const log = hlsLogOf(followed, rendition, clock);

  const keyNow = (): string => `${log.headSlot} ${replica.state.seq} ${log.isOver}`;

  function window(): HlsWindow {
    const key = keyNow();
    if (cachedWindow?.key !== key) cachedWindow = { key, window: hlsWindow(log) };
    return cachedWindow.window;
  }

  return {
    window,
    playlist() {
      const now = window();
      if (now.segments.length === 0) return undefined;
      const { nextPart, isEnded, to } = now;
      const key = `${nextPart} ${isEnded} ${replica.state.seq} ${isEnded ? to : ""}`;
      if (cachedPlaylist?.key === key) return cachedPlaylist.playlist;
      const reports = others.map((folder): HlsReport => ({ folder, window: now }));
      if (hasAac) reports.push({ folder: AAC_VARIANT.folder, window: aacWindow(log, now) });
      cachedPlaylist = { key, playlist: playlistOf({ window: now, marks: log.marks, reports }) };
      return cachedPlaylist.playlist;
    },
    object(kind, from) {
      const name = `${kind} ${from}`;
      const made = objects.get(name);
      if (made) return made;
      const found = objectAt(log, window(), kind, from);
      if (typeof found === "string") return found;
      const bytes = Buffer.from(hlsObject(log, found, loop).buffer);
      objects.set(name, bytes);
      if (objects.size > MAX_OBJECTS) objects.delete(objects.keys().next().value as string);
      return bytes;
    },
  };
}

export function playlistOf(playlist: MediaPlaylist): Playlist {
  const plain = Buffer.from(mediaPlaylist(playlist));
  return { plain, gzip: gzipSync(plain, { level: 6 }) };
}

export function hlsLogOf(followed: FollowedSpace, rendition: Rendition, clock: Clock): HlsLog {
  const { replica } = followed;
  return {
    get marks() {
      return replica.state;
    },
    get headSlot() {
      return replica.ring(rendition).head;
    },
    get oldestSlot() {
      return replica.ring(rendition).oldest;
    },
    fragment(slot) {
      const ring = replica.ring(rendition);
      return ring.firstSlotFrom(slot) === slot ? ring.consecutiveFrom(slot, 0)[0] : undefined;
    },
    get isOver() {
      return followed.endedMs !== undefined && clock.monotonicMs() - followed.endedMs > END_MS;
    },
  };
}
