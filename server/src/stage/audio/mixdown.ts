// Owns one space's sound for one tick: everyone heard, summed, sent back, and given to the programme. Refuses to know the
// state and the log.

import type { Opus } from "@hustings/media/codec/opus.ts";
import { createMixer, type MixerInput } from "@hustings/media/mix/mixer.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { FRAGMENT_PACKETS } from "@hustings/wire/units.ts";
import type { SeatConnection } from "../seats/seat-connection.ts";
import type { Programme } from "./programme.ts";
import { createReturns, type ReturnTarget } from "./returns.ts";
import { createSlotLevels } from "./slot-levels.ts";

/** Where a tick lies: the `packet`-th (0-9) of `slot`. */
export interface Position {
  readonly slot: number;
  readonly packet: number;
}

export interface MixdownResult {
  /** Somebody who is not muted is speaking. */
  readonly voice: boolean;
  /** At the last packet of a slot: its loudest seats. */
  readonly levels: readonly SeatLevel[] | undefined;
}

export interface Mixdown extends Disposable {
  tick(
    tick: number,
    nowMs: number,
    at: Position,
    connections: readonly MixInput[],
    programme: Programme | undefined,
  ): MixdownResult;
}

export interface MixInput {
  readonly connection: SeatConnection;
  readonly isMuted: boolean;
}

export function createMixdown(opus: Opus): Mixdown {
  const mixer = createMixer();
  const returns = createReturns(opus);
  const slotLevels = createSlotLevels();

  return {
    tick(tick, nowMs, at, connections, programme) {
      let voice = false;
      const seats: MixerInput[] = [];
      for (const { connection, isMuted } of connections) {
        const frame = connection.tick(nowMs, isMuted);
        if (frame === undefined) continue;
        voice ||= frame.speaking;
        slotLevels.add({ seat: connection.seat, levelDbov: frame.levelDbov });
        seats.push({ seat: connection.seat, pcm: frame.pcm, gain: isMuted ? 0 : frame.gate });
      }
      const { programme: mix, mixMinus } = mixer.tick(seats);
      returns.send(tick, returnTargetsOf(connections), mix, mixMinus);
      const levels = at.packet === FRAGMENT_PACKETS - 1 ? slotLevels.take() : undefined;
      programme?.push(at.slot, at.packet, mix, levels ?? []);
      return { voice, levels };
    },
    [Symbol.dispose]: () => returns[Symbol.dispose](),
  };
}

function returnTargetsOf(connections: readonly MixInput[]): ReturnTarget[] {
  return connections.flatMap(({ connection: { seat, active } }) =>
    active?.receivesSound === true
      ? [{ seat, lossFraction: active.lossFraction, send: (opus, timestamp) => active.send(opus, timestamp) }]
      : [],
  );
}
