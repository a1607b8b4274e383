// Owns what a crowd measures of itself: counts, spreads, and what the newest fault did. Refuses to know sockets.

import { type CrowdReport, noCounts, SpreadCount } from "../record/crowd-report.ts";
import { PLACE, type Places } from "./listener-table.ts";
import type { EarModel } from "./playback-model.ts";

const MAX_CLOSE_KINDS = 40;

export class CrowdMeasures {
  readonly counts = noCounts();
  readonly firstSoundMs = new SpreadCount();
  /** Since the last report. */
  readonly lagMs = new SpreadCount();
  readonly gapLengthMs = new SpreadCount();
  readonly #backMs = new SpreadCount();
  readonly #closes: Record<string, number> = {};
  #mark = { number: 0, people: 0, hit: 0, back: 0 };

  /** A connection ended, or was refused, in this way. */
  closed(how: string): void {
    if (how in this.#closes || Object.keys(this.#closes).length < MAX_CLOSE_KINDS)
      this.#closes[how] = (this.#closes[how] ?? 0) + 1;
  }

  /** Fault `number` happens now. */
  markFault(number: number, size: number, places: Places, ear: EarModel): void {
    let people = 0;
    for (let i = 0; i < size; i++) {
      if (ear.isPlaying(i)) people++;
      places.lostAtMs[i] = 0;
      ear.gapSinceMarkMs[i] = 0;
    }
    this.#backMs.clear();
    this.#mark = { number, people, hit: 0, back: 0 };
  }

  /** Whether a loss now counts for a fault. */
  hit(): boolean {
    if (this.#mark.number === 0) return false;
    this.#mark.hit++;
    return true;
  }

  back(afterMs: number): void {
    this.#backMs.add(afterMs);
    this.#mark.back++;
  }

  report(
    size: number,
    places: Places,
    ear: EarModel,
    now: { readonly connecting: number; readonly waiting: number; readonly loopDelayMs: number },
  ): CrowdReport {
    const byCadence = new Map<number, number>();
    const gapSinceMark = new SpreadCount();
    let playing = 0;
    for (let i = 0; i < size; i++) {
      if (ear.isPlaying(i)) playing++;
      if (places.lostAtMs[i] !== 0) gapSinceMark.add(ear.gapSinceMarkMs[i] as number);
      if (places.state[i] !== PLACE.following) continue;
      const cadenceMs = places.cadenceMs[i] as number;
      byCadence.set(cadenceMs, (byCadence.get(cadenceMs) ?? 0) + 1);
    }
    const lagMs = this.lagMs.spread();
    this.lagMs.clear();
    return {
      counts: { ...this.counts },
      standing: { people: size, playing, connecting: now.connecting, waiting: now.waiting },
      byCadence: Object.fromEntries(byCadence),
      closes: { ...this.#closes },
      firstSoundMs: this.firstSoundMs.spread(),
      lagMs,
      gapLengthMs: this.gapLengthMs.spread(),
      homeMs: [],
      window: { ...this.#mark, backMs: this.#backMs.spread(), gapMs: gapSinceMark.spread() },
      loopDelayMs: now.loopDelayMs,
      generators: 1,
    };
  }
}
