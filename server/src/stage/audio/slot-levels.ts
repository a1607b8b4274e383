// Sums the levels of a slot's packets into the slot's loudest seats.

import { powerToDbov } from "@hustings/media/mix/level.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { FRAGMENT_PACKETS, MAX_LEVELS, SILENCE_DBOV } from "@hustings/wire/units.ts";

export interface SlotLevels {
  /** Adds one seat's level in one packet. A seat without a level in a packet counts as silent there. */
  add(level: SeatLevel): void;
  /** Ends the slot and returns its loudest seats, loudest first, at most `MAX_LEVELS`, without silent ones. */
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
