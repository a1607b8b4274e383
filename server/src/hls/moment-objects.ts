// Moments for listeners that pull: one small JSON object per 2 s of slots, each made once (docs/wire.md §8).

import type { Clock } from "@hustings/flow/clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import {
  completeMomentsTo,
  MAX_MOMENT_OBJECT_BYTES,
  MOMENT_OBJECT_SLOTS,
  momentObjectAt,
  momentObjectJson,
  momentObjectSlot,
} from "@hustings/wire/listen/moments.ts";
import { KEPT_SLOTS } from "@hustings/wire/units.ts";
import type { PreparedResponse } from "../http/responses.ts";
import { END_MS } from "../replica/follow-limits.ts";
import type { FollowedSpace } from "../replica/followed-space.ts";
import { immutableResponse } from "./rendition-responses.ts";

export interface MomentObjects {
  /** Throws a Refusal: `no-object`, or `not-yet` while the object is not complete. */
  response(followed: FollowedSpace, name: string): PreparedResponse;
  /** `undefined` where `response` would throw. */
  immediateResponse(followed: FollowedSpace, name: string): PreparedResponse | undefined;
}

type Cache = Map<number, PreparedResponse>;

/** Objects of a minute and some more, per space. The oldest is dropped. */
const MAX_OBJECTS = KEPT_SLOTS / MOMENT_OBJECT_SLOTS + 5;
/** Objects further ahead are unknown. */
const MAX_AHEAD_SLOTS = MOMENT_OBJECT_SLOTS * 3;
const ENVELOPE_BYTES = 100;
const RETRY_MS = 1_000;
/** The retry time while the audience desk is away. */
const AWAY_RETRY_MS = 5_000;

export function createMomentObjects(clock: Clock): MomentObjects {
  const caches = new WeakMap<FollowedSpace, Cache>();

  function find(followed: FollowedSpace, name: string): PreparedResponse | "next" | "away" | "none" {
    const from = momentObjectSlot(name);
    if (from === undefined || followed.momentLane === "absent") return "none";
    const cache = caches.get(followed) ?? new Map<number, PreparedResponse>();
    caches.set(followed, cache);
    const known = cache.get(from);
    if (known) return known;
    const place = placeOf(followed, from, clock.monotonicMs());
    if (place !== "complete") return place;
    if (followed.momentLane === "away") return "away";
    const made = objectResponse(followed, from);
    cache.set(from, made);
    if (cache.size > MAX_OBJECTS) cache.delete(cache.keys().next().value as number);
    return made;
  }

  return {
    response(followed, name) {
      const found = find(followed, name);
      if (found === "none") throw new Refusal("no-object");
      if (typeof found !== "string") return found;
      const retryAfterMs = found === "away" ? AWAY_RETRY_MS : RETRY_MS;
      throw new Refusal("not-yet", undefined, { retryAfterMs });
    },
    immediateResponse(followed, name) {
      const found = find(followed, name);
      return typeof found === "string" ? undefined : found;
    },
  };
}

function placeOf({ replica, endedMs }: FollowedSpace, from: number, nowMs: number): "complete" | "next" | "none" {
  const nextSlot = (replica.headSlot ?? -1) + 1;
  if (from > nextSlot + MAX_AHEAD_SLOTS) return "none";
  if (from < nextSlot - KEPT_SLOTS || from <= replica.moments.droppedSlot) return "none";
  const isOver = endedMs !== undefined && nowMs - endedMs > END_MS;
  const completeTo = isOver ? momentObjectAt(nextSlot) + MOMENT_OBJECT_SLOTS : completeMomentsTo(nextSlot);
  return from < completeTo ? "complete" : "next";
}

function objectResponse({ replica }: FollowedSpace, from: number): PreparedResponse {
  const to = from + MOMENT_OBJECT_SLOTS;
  const moments = replica.moments.between(from, to, MAX_MOMENT_OBJECT_BYTES - ENVELOPE_BYTES);
  return immutableResponse(Buffer.from(momentObjectJson({ from, to, moments })), "application/json");
}
