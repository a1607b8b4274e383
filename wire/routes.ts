// Every path and query name, for servers and clients.

import type { SpaceId } from "./ids.ts";

export const ROUTES = {
  home: "/",
  openapi: "/api/openapi.json",
  spaces: "/api/spaces",
  /** Where other people reach this server. */
  addresses: "/api/addresses",
  /** The spaces that can be heard again. */
  past: "/api/spaces/past",
  /** Those that ended before this one. */
  pastBefore: (id: SpaceId) => `/api/spaces/past/${id}`,
  page: (id: SpaceId) => `/s/${id}`,
  /** The picture that messengers show beside the link of a space. It redirects to `picture` when none can be made. */
  spacePicture: (id: SpaceId) => `/api/spaces/${id}/picture.png`,
  picture: "/link.png",
  room: (id: SpaceId) => `/api/spaces/${id}/room`,
  /** POST the host link's secret or a pass for a ticket. */
  tickets: (id: SpaceId) => `/api/spaces/${id}/tickets`,
  /** POST a name for a guest's ticket and pass. */
  guests: (id: SpaceId) => `/api/spaces/${id}/guests`,
  hostLink: (id: SpaceId) => `/api/spaces/${id}/host-link`,
  live: (id: SpaceId) => `/api/spaces/${id}/live`,
  end: (id: SpaceId) => `/api/spaces/${id}/end`,
  /** POST a command as JSON (stage/commands.ts). */
  commands: (id: SpaceId) => `/api/spaces/${id}/commands`,
  recording: (id: SpaceId) => `/api/spaces/${id}/recording.mp4`,
  /** The same sound as Ogg Opus, for players that refuse Opus in MP4. */
  recordingOgg: (id: SpaceId) => `/api/spaces/${id}/recording.ogg`,
  /** Other HLS addresses are relative to it. */
  hls: (id: SpaceId) => `/hls/${id}/index.m3u8`,
  listen: (id: SpaceId) => `/listen/${id}`,
  /** WHIP (RFC 9725): POST an offer, DELETE the Location of the answer. */
  stage: (id: SpaceId) => `/stage/${id}`,
  hold: "/hold.mp4",
} as const;

/** A host link ends in `#host=SECRET`. Browsers do not send the part after `#`, so the secret reaches no server log. */
export const HOST_SECRET_PREFIX = "host=";

/** Query of the listener WebSocket: what a returning listener has (docs/wire.md §4). */
export const LISTEN_QUERY = {
  rendition: "r",
  nextSlot: "next",
  stateSeq: "seq",
  momentSeq: "m",
  cadenceMs: "c",
  claim: "p",
} as const;
