// Synthesises the hold music.

import { SAMPLE_RATE_HZ } from "@hustings/wire/units.ts";
import { integratedLufs } from "./loudness.ts";

/** 20 s, a whole number of slots. */
export const HOLD_MUSIC_SAMPLES = 20 * SAMPLE_RATE_HZ;
const HOLD_MUSIC_LUFS = -28;

const CHORD_SAMPLES = HOLD_MUSIC_SAMPLES / 4;
/** Four chords of four notes, in semitones from A3: Am9, Fmaj7, Cadd9, Gsus2. */
const CHORDS: readonly (readonly number[])[] = [
  [-12, 0, 7, 14],
  [-16, 0, 3, 7],
  [-9, -2, 5, 10],
  [-14, -2, 0, 5],
];
/** A note per half second: the index in the chord, played an octave up; −1 is a rest. */
const PLUCKS = [3, -1, 1, 2, -1, 3, -1, 2, 1, -1] as const;
const PLUCK_STEP_SAMPLES = CHORD_SAMPLES / PLUCKS.length;
const PAD_PARTIALS = [1, 0.35, 0.12] as const;
const PLUCK_PARTIALS = [1, 0.3, 0.2] as const;

/** The loop, mono; the same samples on every run of one machine. Takes about half a second: keep the result. */
export function holdMusicPcm(): Float32Array<ArrayBuffer> {
  const loop = new Float64Array(HOLD_MUSIC_SAMPLES);
  for (const [index, chord] of CHORDS.entries()) {
    const start = index * CHORD_SAMPLES;
    for (const semitones of chord) pad(loop, start, frequencyHz(semitones));
    for (const [step, note] of PLUCKS.entries()) {
      const semitones = chord[note];
      if (semitones !== undefined) pluck(loop, start + step * PLUCK_STEP_SAMPLES, frequencyHz(semitones + 12));
    }
  }
  const pcm = Float32Array.from(loop);
  const gain = 10 ** ((HOLD_MUSIC_LUFS - integratedLufs(pcm)) / 20);
  return pcm.map((sample) => sample * gain);
}

function frequencyHz(semitonesFromA3: number): number {
  return 220 * 2 ** (semitonesFromA3 / 12);
}

/** Swells from half a chord before its chord, and fades until half a chord after it. */
function pad(loop: Float64Array, start: number, hz: number): void {
  const length = CHORD_SAMPLES * 2;
  const first = start - CHORD_SAMPLES / 2;
  for (const [partial, weight] of PAD_PARTIALS.entries()) {
    tone(loop, first, length, hz * (partial + 1), (at) => weight * (0.5 - 0.5 * Math.cos((2 * Math.PI * at) / length)));
  }
}

function pluck(loop: Float64Array, start: number, hz: number): void {
  const length = 2 * SAMPLE_RATE_HZ;
  for (const [partial, weight] of PLUCK_PARTIALS.entries()) {
    const decay = (3 + 3 * partial) / SAMPLE_RATE_HZ;
    tone(loop, start, length, hz * (partial + 1), (at) => {
      const attack = Math.min(1, at / 480);
      const release = Math.min(1, (length - at) / 4800);
      return 0.5 * weight * attack * release * Math.exp(-at * decay);
    });
  }
}

function tone(loop: Float64Array, start: number, length: number, hz: number, envelope: (at: number) => number): void {
  const turn = (2 * Math.PI * hz) / SAMPLE_RATE_HZ;
  let place = (start + loop.length) % loop.length;
  for (let at = 0; at < length; at += 1) {
    loop[place] = (loop[place] ?? 0) + Math.sin(turn * at) * envelope(at);
    place = place + 1 === loop.length ? 0 : place + 1;
  }
}
