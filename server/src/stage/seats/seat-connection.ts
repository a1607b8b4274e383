// Owns one seat's tie to the person in it: the call that sounds, the one that may take over, and their voice as the mixer
// takes it. Refuses to know what is in the state and who is muted.

import { createVoiceProcessor, type VoiceFrame } from "@hustings/media/speech/voice-processor.ts";
import type { PersonId } from "@hustings/wire/ids.ts";
import type { StageMessage } from "@hustings/wire/stage/data-channel.ts";
import { SILENCE_DBOV } from "@hustings/wire/units.ts";
import type { Call } from "./call.ts";

/** Without a packet for this long a person is not there. Chromium sends while muted, and DTX sends every 400 ms. */
export const PRESENT_MS = 1_000;

export interface SeatConnection {
  readonly person: PersonId;
  readonly seat: number;
  /**
   * A new call of the same person: of two that could sound, the newest wins. It takes over as soon as its sound can be
   * decoded, or at once when no other call is alive; the call that it replaces is told so and ended.
   */
  attach(call: Call): void;
  /** The next 20 ms; undefined while there is no call. A muted voice is heard out, but not levelled. */
  tick(nowMs: number, isMuted: boolean): VoiceFrame | undefined;
  isPresent(nowMs: number): boolean;
  /** Since when nobody answers on this connection; undefined while somebody does. */
  disconnectedSinceMs(nowMs: number): number | undefined;
  /** The call that sounds. */
  readonly active: Call | undefined;
  readonly calls: readonly Call[];
  hangUp(why?: (StageMessage & { kind: "bye" })["why"]): void;
}

export function openSeatConnection(person: PersonId, seat: number, openedMs: number): SeatConnection {
  const voice = createVoiceProcessor();
  let active: Call | undefined;
  let candidate: Call | undefined;
  let connectedMs = openedMs;

  function prune(): void {
    if (candidate?.isOver === true) candidate = undefined;
    if (active?.isOver !== true) return;
    active = candidate;
    candidate = undefined;
  }

  /** True when the candidate sounds, and the active call is over with the frame of this tick. */
  function takeOver(nowMs: number): boolean {
    if (candidate === undefined || !candidate.tick(nowMs).spoke) return false;
    active?.hangUp("replaced");
    active = candidate;
    candidate = undefined;
    return true;
  }

  const isPresent = (nowMs: number): boolean =>
    active?.heardMs !== undefined && !active.isOver && nowMs - active.heardMs <= PRESENT_MS;

  return {
    person,
    seat,
    attach(call) {
      prune();
      candidate?.hangUp("replaced");
      candidate = undefined;
      if (active === undefined) active = call;
      else candidate = call;
    },
    tick(nowMs, isMuted) {
      prune();
      if (active === undefined) return undefined;
      const { pcm } = active.tick(nowMs);
      const isLast = takeOver(nowMs);
      if (isMuted) return { pcm, gate: 0, levelDbov: SILENCE_DBOV, speaking: false };
      const frame = voice.process(pcm);
      return isLast ? { ...frame, gate: 0 } : frame;
    },
    isPresent,
    disconnectedSinceMs(nowMs) {
      prune();
      if (isPresent(nowMs) || active?.isConnected === true || candidate?.isConnected === true) connectedMs = nowMs;
      return connectedMs === nowMs ? undefined : connectedMs;
    },
    get active() {
      return active;
    },
    get calls() {
      return [active, candidate].filter((call) => call !== undefined).filter(({ isOver }) => !isOver);
    },
    hangUp(why) {
      for (const call of [active, candidate]) call?.hangUp(why);
      active = undefined;
      candidate = undefined;
    },
  };
}
