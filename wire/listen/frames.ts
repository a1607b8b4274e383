// The messages on a listener's WebSocket, subprotocol hustings.1. docs/wire.md §4 is normative.
//
// From the edge, binary, one frame per message: u8 kind, then
//   1 sound     u8 rendition (index into RENDITIONS), then whole fragments, slots ascending
//   2 state     JSON, an array of state entries, seq ascending
//   3 snapshot  JSON, `Snapshot`: the first message of every connection
//   4 moments   JSON, an array of moments
//   5 notice    JSON, `Notice`
// From the listener, text: JSON, `ListenerMessage`, at most MAX_LISTENER_MESSAGE_BYTES.

import { BadFragment, decodeFragments, type Fragment } from "../log/fragment.ts";
import type { MomentEntry } from "../log/lanes.ts";
import type { SpaceState, StateEntry } from "../log/state.ts";
import { RENDITIONS, type Rendition } from "../units.ts";
import { isLag } from "./lag-counts.ts";

export const SUBPROTOCOL = "hustings.1";
export const MAX_LISTENER_MESSAGE_BYTES = 1024;
/** A first flight of 60 s at 32 kb/s is 250 KB. */
export const MAX_EDGE_MESSAGE_BYTES = 512 * 1024;

export const FRAME_KIND = { sound: 1, state: 2, snapshot: 3, moments: 4, notice: 5 } as const;

export interface Snapshot {
  readonly state: SpaceState;
  /** Newest slot of the edge; `null`: none yet. */
  readonly headSlot: number | null;
  /** First slot that the edge will send; `null`: none yet. */
  readonly nextSlot: number | null;
  readonly rendition: Rendition;
  readonly cadenceMs: number;
  /** Reserve that the edge requests (cadence.ts); absent: 0. */
  readonly reserveMs?: number;
  readonly audience: number;
  /** The edge's clock when it wrote this. */
  readonly utcMs: number;
  /** Not the first of its connection: only `state`, `headSlot` and `audience` are news. */
  readonly again?: boolean;
}

export type Notice =
  /** Requests a cadence, which changes only with `cadence`, and sets the requested reserve (absent: 0). */
  | { readonly kind: "target"; readonly cadenceMs: number; readonly reserveMs?: number }
  /** Sets the cadence from now on. All earlier sound was sent before this. */
  | { readonly kind: "cadence"; readonly cadenceMs: number }
  /** Slots `[from, to)` exist but are not sent: no longer kept, or the listener was too slow. */
  | { readonly kind: "skipped"; readonly from: number; readonly to: number }
  | { readonly kind: "audience"; readonly audience: number }
  /** The listener has a place, and `claim` in the query regains it after a disconnection. */
  | { readonly kind: "place"; readonly claim: string }
  /** Answers `ping`. `utcMs` is the edge's clock. */
  | { readonly kind: "pong"; readonly echo: number; readonly utcMs: number }
  /** The edge lost its stage, or has it again. */
  | { readonly kind: "upstream"; readonly away: boolean }
  /**
   * Every place is taken: the connection is queued. Comes before the snapshot, at least every ten seconds. `place` 1 is
   * next; `estimateMs` is `null` while no place has become free yet. After a disconnection, `sinceUtcMs` in the query
   * regains the position.
   */
  | {
      readonly kind: "waiting";
      readonly place: number;
      readonly estimateMs: number | null;
      readonly sinceUtcMs: number;
      /** Regains the position. */
      readonly claim?: string;
    };

/** A listener may send five a second; more closes with 4429, anything else with 4402. */
export type ListenerMessage =
  /** `lagMs`: how far behind the stage this listener hears; absent: not measured, or others report it. */
  | { readonly kind: "ping"; readonly echo: number; readonly lagMs?: number }
  /** Takes effect from the next slot. An edge that cannot afford it ignores this; sound frames name theirs. */
  | { readonly kind: "rendition"; readonly rendition: Rendition }
  /** The buffer suffices for this cadence: the requested one, or one on the way to it. */
  | { readonly kind: "ready"; readonly cadenceMs: number };

export type EdgeMessage =
  | { readonly kind: "sound"; readonly rendition: Rendition; readonly fragments: readonly Fragment[] }
  | { readonly kind: "state"; readonly entries: readonly StateEntry[] }
  | { readonly kind: "snapshot"; readonly snapshot: Snapshot }
  | { readonly kind: "moments"; readonly entries: readonly MomentEntry[] }
  | { readonly kind: "notice"; readonly notice: Notice };

export class BadFrame extends Error {
  override readonly name = "BadFrame";
}

export function soundFrame(rendition: Rendition, fragments: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const parts = soundFrameParts(rendition, fragments);
  const frame = new Uint8Array(parts.reduce((bytes, { length }) => bytes + length, 0));
  let at = 0;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

/** `soundFrame` in pieces, uncopied, for a caller that adds a header. */
export function soundFrameParts(rendition: Rendition, fragments: readonly Uint8Array[]): readonly Uint8Array[] {
  return [Uint8Array.of(FRAME_KIND.sound, RENDITIONS.indexOf(rendition)), ...fragments];
}

export function stateFrame(entries: readonly StateEntry[]): Uint8Array<ArrayBuffer> {
  return jsonFrame(FRAME_KIND.state, entries);
}

/** Takes JSON, because the same state is sent to many listeners. */
export function snapshotFrame(
  { state, ...rest }: Snapshot,
  stateJson: string = JSON.stringify(state),
): Uint8Array<ArrayBuffer> {
  return textFrame(FRAME_KIND.snapshot, `{"state":${stateJson},${JSON.stringify(rest).slice(1)}`);
}

export function momentsFrame(entries: readonly MomentEntry[]): Uint8Array<ArrayBuffer> {
  return jsonFrame(FRAME_KIND.moments, entries);
}

export function noticeFrame(notice: Notice): Uint8Array<ArrayBuffer> {
  return jsonFrame(FRAME_KIND.notice, notice);
}

/** `undefined`: an unknown kind, which a listener ignores. Throws BadFrame. */
export function decodeFrame(frame: Uint8Array): EdgeMessage | undefined {
  switch (frame[0]) {
    case FRAME_KIND.sound:
      return soundOf(frame);
    case FRAME_KIND.state:
      return { kind: "state", entries: jsonOf(frame, Array.isArray) as StateEntry[] };
    case FRAME_KIND.snapshot:
      return { kind: "snapshot", snapshot: jsonOf(frame, isObject) as Snapshot };
    case FRAME_KIND.moments:
      return { kind: "moments", entries: jsonOf(frame, Array.isArray) as MomentEntry[] };
    case FRAME_KIND.notice:
      return { kind: "notice", notice: jsonOf(frame, isObject) as Notice };
    case undefined:
      throw new BadFrame("The frame is empty.");
    default:
      return undefined;
  }
}

/** Throws BadFrame, which names what is wrong. */
export function parseListenerMessage(text: string): ListenerMessage {
  if (text.length > MAX_LISTENER_MESSAGE_BYTES) throw new BadFrame(`A message of ${text.length} bytes is too long.`);
  const value = parseJson(text);
  if (!isObject(value)) throw new BadFrame("A message must be an object.");
  const { kind, echo, rendition, cadenceMs, lagMs } = value as Record<string, unknown>;
  if (kind === "ping" && typeof echo === "number") {
    if (lagMs === undefined) return { kind, echo };
    if (isLag(lagMs)) return { kind, echo, lagMs };
  }
  if (kind === "rendition" && RENDITIONS.some((known) => known === rendition))
    return { kind, rendition: rendition as Rendition };
  if (kind === "ready" && typeof cadenceMs === "number" && cadenceMs > 0) return { kind, cadenceMs };
  throw new BadFrame(`There is no message of kind ${JSON.stringify(kind)?.slice(0, 40)} with such fields.`);
}

function soundOf(frame: Uint8Array): EdgeMessage {
  const rendition = RENDITIONS[frame[1] ?? -1];
  if (!rendition) throw new BadFrame(`There is no rendition ${frame[1]}.`);
  try {
    return { kind: "sound", rendition, fragments: decodeFragments(frame, 2) };
  } catch (cause) {
    if (cause instanceof BadFragment) throw new BadFrame(cause.message, { cause });
    throw cause;
  }
}

const encoder = new TextEncoder();

function jsonFrame(kind: number, value: unknown): Uint8Array<ArrayBuffer> {
  return textFrame(kind, JSON.stringify(value));
}

// Every kind is below 128, so its character is one byte of UTF-8.
function textFrame(kind: number, text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(String.fromCharCode(kind) + text);
}

function jsonOf(frame: Uint8Array, fits: (value: unknown) => boolean): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(frame.subarray(1));
  } catch (cause) {
    throw new BadFrame("The frame is not UTF-8.", { cause });
  }
  const value = parseJson(text);
  if (!fits(value)) throw new BadFrame("The frame's JSON is not of the expected kind.");
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BadFrame("The message is not JSON.", { cause });
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
