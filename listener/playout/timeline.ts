// Owns which slot lies where on a player's own timeline, in samples. Refuses to know why it was put there.

import { SLOT_SAMPLES } from "@hustings/wire/units.ts";

/** What lies at a place: a slot of the space, the view of an absent slot, or filler that the player made up. */
export type RunKind = "sound" | "absent" | "filler";

export interface Run {
  readonly kind: RunKind;
  readonly atSamples: number;
  samples: number;
  /** First slot of the run; for filler, the slot that was waited for, or -1. */
  readonly slot: number;
}

export interface TimelinePosition {
  readonly kind: RunKind;
  /** The slot at the place; for filler, the slot that was waited for, or -1. */
  readonly slot: number;
  /** How far into the slot, in samples; 0 for filler. */
  readonly offsetSamples: number;
}

/** Runs in order, without holes: each begins where the last ended. Runs behind the playhead are forgotten. */
export class Timeline {
  #runs: Run[] = [];
  endSamples = 0;

  /** Appends and returns where it lies. Slots that follow each other share a run. */
  append(kind: RunKind, slot: number, samples: number): number {
    const at = this.endSamples;
    const last = this.#runs.at(-1);
    this.endSamples = at + samples;
    if (last?.kind === kind && follows(last, slot)) last.samples += samples;
    else this.#runs.push({ kind, atSamples: at, samples, slot });
    return at;
  }

  /** What lies at `samples`; `undefined` at or past the end, or where it is forgotten. */
  at(samples: number): TimelinePosition | undefined {
    const run = this.#runs.find(
      ({ atSamples, samples: length }) => atSamples <= samples && samples < atSamples + length,
    );
    if (!run) return undefined;
    if (run.kind === "filler") return { kind: "filler", slot: run.slot, offsetSamples: 0 };
    const within = samples - run.atSamples;
    const slots = Math.floor(within / SLOT_SAMPLES);
    return { kind: run.kind, slot: run.slot + slots, offsetSamples: within - slots * SLOT_SAMPLES };
  }

  /** Samples of `kind` in `[from, to)`. */
  count(kind: RunKind, from: number, to: number): number {
    let total = 0;
    for (const run of this.#runs) {
      if (run.kind === kind)
        total += Math.max(0, Math.min(to, run.atSamples + run.samples) - Math.max(from, run.atSamples));
    }
    return total;
  }

  /** Forgets runs that ended before `samples`. */
  dropBefore(samples: number): void {
    const first = this.#runs[0];
    if (first && first.atSamples + first.samples <= samples)
      this.#runs = this.#runs.filter((run) => run.atSamples + run.samples > samples);
  }
}

function follows(run: Run, slot: number): boolean {
  return run.kind === "filler" ? run.slot === slot : run.slot + run.samples / SLOT_SAMPLES === slot;
}
