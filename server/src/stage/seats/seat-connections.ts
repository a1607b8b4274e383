// Owns the lines of everyone seated in one space: opened with a seat, ended with it, all told together. Refuses to decide
// who is seated.

import type { PersonId } from "@hustings/wire/ids.ts";
import type { SpaceState } from "@hustings/wire/log/state.ts";
import type { StageMessage } from "@hustings/wire/stage/data-channel.ts";
import type { MixedLine } from "../audio/mixdown.ts";
import type { SeatSigns } from "../policy/due-entries.ts";
import { type Line, openLine } from "./seat-connection.ts";

export interface Lines {
  readonly count: number;
  of(person: PersonId): Line | undefined;
  /** Opens the lines that seats need. A line whose seat is gone stays until `end`: its going is not on disk yet. */
  open(state: SpaceState, nowMs: number): void;
  /** For the mixer: who is seated and has a line. */
  mixed(state: SpaceState, isSilenced: (person: PersonId) => boolean): readonly MixedLine[];
  isAnyonePresent(nowMs: number): boolean;
  signsOf(person: PersonId, nowMs: number): SeatSigns;
  /** Says goodbye to whoever left `seat`, and to nobody who has taken it since. Returns them. */
  end(seat: number, why: "left" | "removed", state: SpaceState): PersonId | undefined;
  /** Ends all; without `why` without a word. */
  endAll(why?: "ended"): void;
  /** Ends one call. False when there is none of this name. */
  hangUp(callId: string): boolean;
  say(message: StageMessage): void;
  /** A stall of ours began after `lastMs`: who was present then still is. */
  excuse(lastMs: number, nowMs: number): void;
}

export function createLines(): Lines {
  const lines = new Map<PersonId, Line>();
  const calls = () => [...lines.values()].flatMap((line) => line.calls);
  return {
    get count() {
      return lines.size;
    },
    of: (person) => lines.get(person),
    open(state, nowMs) {
      for (const { person, seat } of state.seats) {
        const line = lines.get(person);
        if (line?.seat === seat) continue;
        line?.hangUp("left");
        lines.set(person, openLine(person, seat, nowMs));
      }
    },
    mixed: (state, isSilenced) =>
      state.seats.flatMap(({ person, muted }) => {
        const line = lines.get(person);
        return line === undefined ? [] : [{ line, isMuted: muted || isSilenced(person) }];
      }),
    isAnyonePresent: (nowMs) => [...lines.values()].some((line) => line.isPresent(nowMs)),
    signsOf(person, nowMs) {
      const line = lines.get(person);
      const goneSinceMs = line?.goneSinceMs(nowMs);
      const goneForMs = goneSinceMs === undefined ? 0 : nowMs - goneSinceMs;
      return { isPresent: line?.isPresent(nowMs) ?? false, goneForMs };
    },
    end(seat, why, state) {
      const isHeld = ({ person }: Line) => state.seats.some((one) => one.seat === seat && one.person === person);
      const line = [...lines.values()].find((one) => one.seat === seat && !isHeld(one));
      line?.hangUp(why);
      if (line !== undefined) lines.delete(line.person);
      return line?.person;
    },
    endAll(why) {
      for (const line of lines.values()) line.hangUp(why);
      lines.clear();
    },
    hangUp(callId) {
      const call = calls().find(({ id }) => id === callId);
      call?.hangUp();
      return call !== undefined;
    },
    say(message) {
      const all = calls();
      if (all.length === 0) return;
      const text = JSON.stringify(message);
      for (const call of all) call.say(text);
    },
    excuse(lastMs, nowMs) {
      for (const line of lines.values()) if (line.isPresent(lastMs)) for (const call of line.calls) call.excuse(nowMs);
    },
  };
}
