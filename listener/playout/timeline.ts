// Which slot lies where on the player's timeline, in samples.

import { SLOT_SAMPLES } from "@hustings/wire/units.ts";

/** `filler`: the player's own; `absent`: filler of an absent slot. */
export type RunKind = "sound" | "absent" | "filler";

export interface Run {
  readonly kind: RunKind;
  readonly atSamples: number;
  samples: number;
  /** First slot of the run; of local filler the slot that was due, or -1. */
  readonly slot: number;
}

export interface TimelinePosition {
  readonly kind: RunKind;
  /** The slot; of local filler the slot that was due, or -1. */
  readonly slot: number;
  /** Samples into the slot; 0 for local filler. */
  readonly offsetSamples: number;
}

/** Runs without holes between them; those behind the playhead are dropped. */
export class Timeline {
  #runs: Run[] = [];
  endSamples = 0;

  /** Returns the start. Consecutive slots share a run. */
  append(kind: RunKind, slot: number, samples: number): number {
    const at = this.endSamples;
    const last = this.#runs.at(-1);
    this.endSamples = at + samples;
    if (last?.kind === kind && follows(last, slot)) last.samples += samples;
    else this.#runs.push({ kind, atSamples: at, samples, slot });
    return at;
  }

  /** `undefined` outside the runs that are kept. */
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

  count(kind: RunKind, from: number, to: number): number {
    let total = 0;
    for (const run of this.#runs) {
      if (run.kind === kind)
        total += Math.max(0, Math.min(to, run.atSamples + run.samples) - Math.max(from, run.atSamples));
    }
    return total;
  }

  dropBefore(samples: number): void {
    const first = this.#runs[0];
    if (first && first.atSamples + first.samples <= samples)
      this.#runs = this.#runs.filter((run) => run.atSamples + run.samples > samples);
  }
}

function follows(run: Run, slot: number): boolean {
  return run.kind === "filler" ? run.slot === slot : run.slot + run.samples / SLOT_SAMPLES === slot;
}
