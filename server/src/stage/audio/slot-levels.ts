// Sums packet levels into a slot's loudest seats.

import { powerToDbov } from "@hustings/media/mix/level.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { FRAGMENT_PACKETS, MAX_LEVELS, SILENCE_DBOV } from "@hustings/wire/units.ts";

export interface SlotLevels {
  /** A seat without a level in a packet is silent there. */
  add(level: SeatLevel): void;
  /** Loudest first, at most `MAX_LEVELS`, none silent. */
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
