// Connects a seat to its person: the active call, a candidate to replace it, and the voice for the mixer.

import { createVoiceProcessor, type VoiceFrame } from "@hustings/media/speech/voice-processor.ts";
import type { PersonId } from "@hustings/wire/ids.ts";
import type { GoodbyeReason } from "@hustings/wire/stage/data-channel.ts";
import { SILENCE_DBOV } from "@hustings/wire/units.ts";
import type { Call } from "./call.ts";

/** A call that has not failed after this long without a sign is held by ICE consent, which expires after 30 s (RFC 7675 §5.1). */
const CONSENT_MS = 40_000;

export interface SeatConnection {
  readonly person: PersonId;
  readonly seat: number;
  /** Active at once if there is no other call, else once decodable; the replaced call ends with "replaced". */
  attach(call: Call): void;
  /** Undefined without a call. A muted person has no level and a closed gate. */
  tick(nowMs: number, isMuted: boolean): VoiceFrame | undefined;
  isPresent(nowMs: number): boolean;
  /** Since when nothing has come from the person; undefined while they are connected, or silent with ICE consent. */
  disconnectedSinceMs(nowMs: number): number | undefined;
  readonly active: Call | undefined;
  readonly calls: readonly Call[];
  hangUp(why?: GoodbyeReason): void;
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

  /** Called once the candidate's sound can be decoded. The active call's frame of this tick is its last. */
  function takeOver(nowMs: number): boolean {
    if (candidate === undefined || !candidate.tick(nowMs).spoke) return false;
    active?.hangUp("replaced");
    active = candidate;
    candidate = undefined;
    return true;
  }

  const isPresent = (nowMs: number): boolean => active?.isPresent(nowMs) === true;

  /** True for a call that is still open after a silence in which a call without ICE consent would have failed. */
  const hasConsent = (nowMs: number): boolean =>
    (active ?? candidate)?.isOver === false && nowMs - connectedMs > CONSENT_MS;

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
      else if (hasConsent(nowMs)) connectedMs = nowMs;
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
