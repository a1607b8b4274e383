// Owns what of one space is on air: the programme's beginning and end, and whether it is voices or hold music. Refuses to
// know who may begin and end it, and how that is written: it is given the writing to wait for.

import type { Opus } from "@hustings/media/codec/opus.ts";
import type { Rendition } from "@hustings/wire/units.ts";
import { type Programme, startProgramme } from "../audio/programme.ts";
import { AIR_AFTER_RESTART, type AirSignals, type AirState, airAtStart, nextAir } from "../policy/dead-air.ts";

export interface Broadcast {
  /** Undefined unless on air. */
  readonly programme: Programme | undefined;
  readonly air: AirState | undefined;
  /** A stage that came back to a live space is on air from `slot`. */
  resume(slot: number): void;
  /** On air from `slot`: heard once `write` has resolved, from its first word; off again when it rejects. */
  begin<T>(slot: number, someonePresent: boolean, write: () => Promise<T>): Promise<T>;
  /** Off air with `slot`: everything before it is handed over, then `write` runs; on air still when it rejects. */
  end<T>(slot: number, write: () => Promise<T>): Promise<T>;
  /** Each tick, before its sound. */
  reachSlot(slot: number): void;
  /** Each tick, after its sound. */
  updateAir(signals: AirSignals, silenceLimitMs: number): void;
  stop(): void;
}

export interface BroadcastOptions {
  readonly opus: Opus;
  readonly append: (rendition: Rendition, slot: number, bytes: Uint8Array) => void;
  readonly onMissing: (from: number, to: number) => void;
}

export function createBroadcast(options: BroadcastOptions): Broadcast {
  let programme: Programme | undefined;
  let air: AirState | undefined;
  let awaited: { readonly slot: number; readonly pass: () => void } | undefined;

  function start(firstSlot: number, memory: AirState): Programme {
    programme = startProgramme({ ...options, firstSlot });
    air = memory;
    return programme;
  }

  function stop(): void {
    programme?.[Symbol.dispose]();
    programme = undefined;
    air = undefined;
    awaited?.pass();
  }

  return {
    get programme() {
      return programme;
    },
    get air() {
      return air;
    },
    resume: (slot) => void start(slot, AIR_AFTER_RESTART),
    async begin(slot, someonePresent, write) {
      const started = start(slot, airAtStart(someonePresent));
      started.holdFrom(slot);
      try {
        const written = await write();
        if (programme === started) started.release();
        return written;
      } catch (cause) {
        if (programme === started) stop();
        throw cause;
      }
    },
    async end(slot, write) {
      if (programme !== undefined) {
        programme.holdFrom(slot);
        await new Promise<void>((pass) => {
          awaited = { slot, pass };
        });
        awaited = undefined;
      }
      try {
        return await write();
      } catch (cause) {
        programme?.release();
        throw cause;
      }
    },
    reachSlot(slot) {
      if (awaited !== undefined && slot >= awaited.slot) awaited.pass();
    },
    updateAir(signals, silenceLimitMs) {
      if (air !== undefined) air = nextAir(air, signals, silenceLimitMs);
    },
    stop,
  };
}
