// Makes one space's sound for one tick: decodes and mixes the seats, and feeds the programme and the returns.

import type { Opus } from "@hustings/media/codec/opus.ts";
import { createMixer, type MixerInput } from "@hustings/media/mix/mixer.ts";
import type { VoiceFrame } from "@hustings/media/speech/voice-processor.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { FRAGMENT_PACKETS } from "@hustings/wire/units.ts";
import type { Programme } from "./programme.ts";
import { createReturns, type ReturnTarget } from "./returns.ts";
import { createSlotLevels } from "./slot-levels.ts";

/** The `packet`-th (0-9) packet of `slot`. */
export interface Position {
  readonly slot: number;
  readonly packet: number;
}

export interface MixdownResult {
  readonly voice: boolean;
  /** Levels at a slot's last packet; otherwise undefined. */
  readonly levels: readonly SeatLevel[] | undefined;
}

export interface Mixdown extends Disposable {
  /** `programme` is undefined off air: seats hear each other, and nothing is broadcast. */
  tick(
    tick: number,
    nowMs: number,
    at: Position,
    inputs: readonly MixInput[],
    programme: Programme | undefined,
  ): MixdownResult;
}

export interface MixInput {
  readonly connection: MixConnection;
  readonly isMuted: boolean;
}

export interface MixConnection {
  readonly seat: number;
  /** The next 20 ms; undefined while the seat has no call. */
  tick(nowMs: number, isMuted: boolean): VoiceFrame | undefined;
  readonly active:
    | {
        readonly receivesSound: boolean;
        readonly lossFraction: number;
        sendPacket(opus: Uint8Array, timestamp: number): void;
      }
    | undefined;
}

/** After this many ticks without a call the mixer's own delay is empty, and mixing nothing is skipped. */
const EMPTY_TICKS = 10;

export function createMixdown(opus: Opus): Mixdown {
  const mixer = createMixer();
  const returns = createReturns(opus);
  const slotLevels = createSlotLevels();
  let emptyTicks = 0;

  return {
    tick(tick, nowMs, at, inputs, programme) {
      let voice = false;
      const seats: MixerInput[] = [];
      for (const { connection, isMuted } of inputs) {
        const frame = connection.tick(nowMs, isMuted);
        if (frame === undefined) continue;
        voice ||= frame.speaking;
        slotLevels.add({ seat: connection.seat, levelDbov: frame.levelDbov });
        seats.push({ seat: connection.seat, pcm: frame.pcm, gain: isMuted ? 0 : frame.gate });
      }
      const levels = at.packet === FRAGMENT_PACKETS - 1 ? slotLevels.take() : undefined;
      emptyTicks = seats.length === 0 ? emptyTicks + 1 : 0;
      if (emptyTicks > EMPTY_TICKS) {
        programme?.push(at.slot, at.packet, undefined, levels ?? []);
        return { voice, levels };
      }
      const { programme: mix, mixMinus } = mixer.tick(seats);
      // The whole audience waits for the programme; each return is one person's.
      programme?.push(at.slot, at.packet, mix, levels ?? []);
      returns.send(tick, returnTargetsOf(inputs), mix, mixMinus);
      return { voice, levels };
    },
    [Symbol.dispose]: () => returns[Symbol.dispose](),
  };
}

function returnTargetsOf(inputs: readonly MixInput[]): ReturnTarget[] {
  return inputs.flatMap(({ connection: { seat, active } }) =>
    active?.receivesSound === true
      ? [{ seat, lossFraction: active.lossFraction, send: (opus, timestamp) => active.sendPacket(opus, timestamp) }]
      : [],
  );
}
