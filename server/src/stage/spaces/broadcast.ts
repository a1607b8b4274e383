// Takes a space on and off air in step with the log entries that say so, and tracks voices and hold music.

import type { Opus } from "@hustings/media/codec/opus.ts";
import type { Rendition } from "@hustings/wire/units.ts";
import { type Programme, startProgramme } from "../audio/programme.ts";
import { AIR_AFTER_RESTART, type AirSignals, type AirState, airAtStart, nextAir } from "../policy/dead-air.ts";

export interface Broadcast {
  readonly programme: Programme | undefined;
  readonly air: AirState | undefined;
  /** Goes on air without an entry: a restarted stage resumes a live space. */
  resume(slot: number): void;
  /** Sound from `slot` on is held until `write` resolves. Goes off air again if it rejects. */
  begin<T>(slot: number, someonePresent: boolean, write: () => Promise<T>): Promise<T>;
  /** `write` runs once earlier slots are appended. Stays on air if it rejects. */
  end<T>(slot: number, write: () => Promise<T>): Promise<T>;
  /** Call in each tick before its sound. */
  reachSlot(slot: number): void;
  /** Call in each tick after its sound. */
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
  let ending: { readonly slot: number; readonly reached: () => void } | undefined;

  function start(firstSlot: number, memory: AirState): Programme {
    programme = startProgramme({ ...options, firstSlot });
    air = memory;
    return programme;
  }

  function stop(): void {
    programme?.[Symbol.dispose]();
    programme = undefined;
    air = undefined;
    ending?.reached();
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
        await new Promise<void>((reached) => {
          ending = { slot, reached };
        });
        ending = undefined;
      }
      try {
        return await write();
      } catch (cause) {
        programme?.release();
        throw cause;
      }
    },
    reachSlot(slot) {
      if (ending !== undefined && slot >= ending.slot) ending.reached();
    },
    updateAir(signals, silenceLimitMs) {
      if (air !== undefined) air = nextAir(air, signals, silenceLimitMs);
    },
    stop,
  };
}
