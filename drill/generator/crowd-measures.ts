// Counts and histograms of the listeners of one process, and the effects of the newest fault.

import { type CrowdReport, emptyCounts } from "../record/crowd-report.ts";
import { HistogramCounter } from "../record/histogram.ts";
import { type ListenerTable, STATE } from "./listener-table.ts";
import type { PlaybackModel } from "./playback-model.ts";

const MAX_CLOSE_REASONS = 40;

export class CrowdMeasures {
  readonly counts = emptyCounts();
  readonly firstSoundMs = new HistogramCounter();
  /** Counts since the last report. */
  readonly lagMs = new HistogramCounter();
  readonly gapLengthMs = new HistogramCounter();
  readonly #recoveryMs = new HistogramCounter();
  readonly #closes: Record<string, number> = {};
  #fault = { number: 0, people: 0, disconnected: 0, recovered: 0 };

  /** `reason`: the close code, the HTTP status or words. */
  closed(reason: string): void {
    if (reason in this.#closes || Object.keys(this.#closes).length < MAX_CLOSE_REASONS)
      this.#closes[reason] = (this.#closes[reason] ?? 0) + 1;
  }

  markFault(number: number, size: number, table: ListenerTable, playback: PlaybackModel): void {
    let people = 0;
    for (let i = 0; i < size; i++) {
      if (playback.isPlaying(i)) people++;
      table.lostAtMs[i] = 0;
      playback.gapSinceFaultMs[i] = 0;
    }
    this.#recoveryMs.clear();
    this.#fault = { number, people, disconnected: 0, recovered: 0 };
  }

  /** Counts a lost connection for the newest fault. False if there was no fault yet. */
  countDisconnect(): boolean {
    if (this.#fault.number === 0) return false;
    this.#fault.disconnected++;
    return true;
  }

  recovered(afterMs: number): void {
    this.#recoveryMs.add(afterMs);
    this.#fault.recovered++;
  }

  report(
    size: number,
    table: ListenerTable,
    playback: PlaybackModel,
    now: { readonly connecting: number; readonly waiting: number; readonly loopDelayMs: number },
  ): CrowdReport {
    const byCadence = new Map<number, number>();
    const gapSinceFaultMs = new HistogramCounter();
    let playing = 0;
    for (let i = 0; i < size; i++) {
      if (playback.isPlaying(i)) playing++;
      if (table.lostAtMs[i] !== 0) gapSinceFaultMs.add(playback.gapSinceFaultMs[i] as number);
      if (table.state[i] !== STATE.following) continue;
      const cadenceMs = table.cadenceMs[i] as number;
      byCadence.set(cadenceMs, (byCadence.get(cadenceMs) ?? 0) + 1);
    }
    const lagMs = this.lagMs.histogram();
    this.lagMs.clear();
    return {
      counts: { ...this.counts },
      standing: { people: size, playing, connecting: now.connecting, waiting: now.waiting },
      byCadence: Object.fromEntries(byCadence),
      closes: { ...this.#closes },
      firstSoundMs: this.firstSoundMs.histogram(),
      lagMs,
      gapLengthMs: this.gapLengthMs.histogram(),
      homeMs: [],
      window: { ...this.#fault, recoveryMs: this.#recoveryMs.histogram(), gapMs: gapSinceFaultMs.histogram() },
      loopDelayMs: now.loopDelayMs,
      generators: 1,
    };
  }
}
