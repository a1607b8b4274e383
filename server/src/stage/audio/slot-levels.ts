// Owns the levels of a slot: who was loudest. Refuses to know sound; it is told each packet's levels.

import { powerToDbov } from "@hustings/media/mix/level.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { FRAGMENT_PACKETS, MAX_LEVELS, SILENCE_DBOV } from "@hustings/wire/units.ts";

export interface SlotLevels {
  /** One seat in one packet; a seat that is not told of was silent. */
  add(level: SeatLevel): void;
  /** Ends the slot: the loudest seats, loudest first, at most four; silent ones are left out. */
  take(): readonly SeatLevel[];
}

export function createSlotLevels(): SlotLevels {
  const powers = new Map<number, number>();
  return {
    add({ seat, levelDbov }) {
      if (levelDbov < SILENCE_DBOV) powers.set(seat, (powers.get(seat) ?? 0) + 10 ** (-levelDbov / 10));
    },
    take() {
      const levels = [...powers].map(([seat, power]) => ({ seat, levelDbov: powerToDbov(power / FRAGMENT_PACKETS) }));
      powers.clear();
      return levels
        .filter(({ levelDbov }) => levelDbov < SILENCE_DBOV)
        .sort((a, b) => a.levelDbov - b.levelDbov || a.seat - b.seat)
        .slice(0, MAX_LEVELS);
    },
  };
}
