// A headless listener with pull and push on a manual clock, for tests.

import { type ManualClock, manualClock } from "@hustings/flow/testing/manual-clock.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { type RoomDocument, roomDocumentOf } from "@hustings/wire/listen/room-document.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { startHeadlessListener } from "../headless/headless.ts";
import { openPull } from "../hls/pull.ts";
import { PushOrPull } from "../hls/push-or-pull.ts";
import type { SlotSink } from "../session/slot-order.ts";
import { FakeEdge } from "./fake-edge.ts";
import { FakeOrigin } from "./fake-origin.ts";

export const LISTEN_URL = "ws://edge/listen/x";
const HLS = "https://edge/hls/x/index.m3u8";

export interface Heard {
  readonly sounds: number[];
  /** Levels of each of `sounds`. */
  readonly levels: (readonly SeatLevel[])[];
  /** Position of each slot on the player's timeline. */
  readonly positions: Map<number, number>;
  readonly breaks: [number, number, string][];
}

/** Starts listening half a minute after the space began, with a room document that says `tier`. `setUp` runs first. */
export function listenTo(
  setUp: (made: { edge: FakeEdge; origin: FakeOrigin }) => void = () => undefined,
  tier: RoomDocument["tier"] = "pull",
) {
  const clock = manualClock();
  const edge = new FakeEdge(clock);
  const origin = new FakeOrigin(edge);
  clock.advance(30_000);
  setUp({ edge, origin });
  const heard: Heard = { sounds: [], levels: [], positions: new Map(), breaks: [] };
  const sink: SlotSink = {
    sound: (slot, _, levels) => {
      heard.sounds.push(slot);
      heard.levels.push(levels);
    },
    absent: () => undefined,
    break: (from, to, reason) => heard.breaks.push([from, to, reason]),
  };
  const pushOrPull: PushOrPull = new PushOrPull({
    push: edge.transport,
    loadPull: async () => ({ openPull: (options) => openPull({ ...options, get: origin.get }) }),
    hlsUrl: HLS,
    clock,
    random: () => 0.5,
  });
  const room = (now: RoomDocument["tier"]): RoomDocument => ({
    ...roomDocumentOf(
      { id: "x" as SpaceId, state: edge.state, audience: 7 },
      { stagePort: 1, asOfUtcMs: clock.utcMs(), stale: false, tier: now, pullUrl: "https://cdn.example" },
    ),
  });
  pushOrPull.onRoom(room(tier));
  const listener = startHeadlessListener({
    url: LISTEN_URL,
    clock,
    random: () => 0.5,
    transport: pushOrPull.transport,
    verify: true,
    sink,
    onWrite: (atSamples, _, slot) => heard.positions.has(slot) || heard.positions.set(slot, atSamples),
  });
  return { clock, edge, origin, pushOrPull, listener, heard, room };
}

/** Advances the clock until `isSo` returns true; throws after `ms`. */
export async function until(clock: ManualClock, isSo: () => boolean, ms: number): Promise<void> {
  const endMs = clock.monotonicMs() + ms;
  while (!isSo()) {
    if (clock.monotonicMs() >= endMs) throw new Error(`The condition did not hold within ${ms} ms.`);
    await clock.advanceAsync(100);
  }
}

export async function pass(clock: ManualClock, ms: number): Promise<void> {
  const endMs = clock.monotonicMs() + ms;
  await until(clock, () => clock.monotonicMs() >= endMs, ms + 100);
}
