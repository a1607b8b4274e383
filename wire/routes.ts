// Owns the paths of Hustings, so that no two sides spell one differently. Refuses to know what answers them.

import type { SpaceId } from "./ids.ts";

export const ROUTES = {
  home: "/",
  openapi: "/api/openapi.json",
  spaces: "/api/spaces",
  page: (id: SpaceId) => `/s/${id}`,
  room: (id: SpaceId) => `/api/spaces/${id}/room`,
  /** Host link's secret → host ticket; pass → guest ticket. */
  tickets: (id: SpaceId) => `/api/spaces/${id}/tickets`,
  /** A name → a guest's ticket and pass. */
  guests: (id: SpaceId) => `/api/spaces/${id}/guests`,
  /** A new host link, which revokes the old. */
  hostLink: (id: SpaceId) => `/api/spaces/${id}/host-link`,
  live: (id: SpaceId) => `/api/spaces/${id}/live`,
  end: (id: SpaceId) => `/api/spaces/${id}/end`,
  /** Every other command, as JSON. */
  commands: (id: SpaceId) => `/api/spaces/${id}/commands`,
  recording: (id: SpaceId) => `/api/spaces/${id}/recording.mp4`,
  /** HLS; every other address of it is relative to this playlist. */
  hls: (id: SpaceId) => `/hls/${id}/index.m3u8`,
  listen: (id: SpaceId) => `/listen/${id}`,
  /** WHIP: POST an offer; DELETE the Location that was answered. */
  stage: (id: SpaceId) => `/stage/${id}`,
  /** The generated hold music, one small file for all. */
  hold: "/hold.mp4",
} as const;

/** What stands behind `#` in a host link: `host=SECRET`. A fragment never reaches a server or its logs. */
export const HOST_SECRET_PREFIX = "host=";

/** Query of the listener WebSocket: what the listener holds, so that the first flight starts there. */
export const LISTEN_QUERY = {
  rendition: "r",
  nextSlot: "next",
  stateSeq: "seq",
  cadenceMs: "c",
  sinceUtcMs: "since",
} as const;
