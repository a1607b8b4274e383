// Samples the level rings around portraits while a page plays, and measures how far they lag behind its sound.

import type { Page } from "playwright-core";

export interface RingLook {
  /** Time since the watch began. */
  readonly atMs: number;
  /** 0 (silence) to 1. */
  readonly level: number;
  readonly isLit: boolean;
}

const LOOK_MS = 50;
/** A level covers 200 ms; sound is compared with levels in steps of a quarter of that. */
const STEP_MS = 50;
const SAMPLES_PER_STEP = 48 * STEP_MS;
const SLOT_STEPS = 4;
const MOST_STEPS = 3_000 / STEP_MS;

/** Begins to sample every portrait. Calling the result ends it and gives the samples by the name below the portrait. */
export async function watchRings(page: Page): Promise<() => Promise<Record<string, RingLook[]>>> {
  await page.evaluate(`(${WATCH})(${LOOK_MS})`);
  return () => page.evaluate("endRings()");
}

// Runs in the page.
const WATCH = `(lookMs) => {
  const looks = {};
  const beganMs = performance.now();
  const timer = setInterval(() => {
    for (const face of document.querySelectorAll(".face")) {
      const name = face.parentElement.querySelector(".name").textContent;
      const level = Number(face.style.getPropertyValue("--level") || 0);
      (looks[name] ??= []).push({ atMs: performance.now() - beganMs, level, isLit: face.hasAttribute("data-lit") });
    }
  }, lookMs);
  globalThis.endRings = () => {
    clearInterval(timer);
    return looks;
  };
}`;

/** The loudness of sound in decibels, one value each STEP_MS for the 200 ms that begin there. */
export function envelopeOf(pcm: Float32Array): number[] {
  const powers = Array.from({ length: Math.floor(pcm.length / SAMPLES_PER_STEP) }, (_, i) =>
    pcm.subarray(i * SAMPLES_PER_STEP, (i + 1) * SAMPLES_PER_STEP).reduce((sum, sample) => sum + sample * sample, 0),
  );
  return powers.map((_, i) => {
    const power = powers.slice(i, i + SLOT_STEPS).reduce((sum, one) => sum + one, 0);
    return Math.max(-60, 10 * Math.log10(power / (SLOT_STEPS * SAMPLES_PER_STEP) + 1e-9));
  });
}

/** The lag of the rings behind the sound at which both are most alike; both began at the same time. */
export function lagMs(looks: readonly RingLook[], envelope: readonly number[]): number {
  const levels = envelope.map((_, i) => looks.findLast(({ atMs }) => atMs <= i * STEP_MS)?.level ?? 0);
  const lags = Array.from({ length: 2 * MOST_STEPS + 1 }, (_, i) => i - MOST_STEPS);
  const scores = lags.map((lag) => likeness(levels, envelope, lag));
  return (lags[scores.indexOf(Math.max(...scores))] ?? 0) * STEP_MS;
}

/** Pearson's correlation of `sooner` with `later` shifted back by `lag` steps. */
function likeness(later: readonly number[], sooner: readonly number[], lag: number): number {
  const pairs = sooner.flatMap((b, i) =>
    later[i + lag] === undefined ? [] : [[later[i + lag] as number, b] as const],
  );
  const mean = (of: 0 | 1) => pairs.reduce((sum, pair) => sum + pair[of], 0) / pairs.length;
  const [meanA, meanB] = [mean(0), mean(1)];
  let [product, powerA, powerB] = [0, 0, 0];
  for (const [a, b] of pairs) {
    product += (a - meanA) * (b - meanB);
    powerA += (a - meanA) ** 2;
    powerB += (b - meanB) ** 2;
  }
  return product / Math.sqrt(powerA * powerB + 1e-12);
}
