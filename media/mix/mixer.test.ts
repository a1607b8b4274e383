import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LIMITER_LATENCY_SAMPLES } from "./limiter.ts";
import { createMixer, type MixerInput, type MixerOutput, RAMP_SAMPLES } from "./mixer.ts";

/** A tone that is continuous across frames. */
function tone(frame: number, hz: number, amplitude = 0.1): Float32Array {
  return Float32Array.from({ length: 960 }, (_, index) => {
    return amplitude * Math.sin((2 * Math.PI * hz * (frame * 960 + index)) / 48_000);
  });
}

/** The joined frames of all ticks that listeners hear, or that `seat` hears. */
function joined(ticks: readonly MixerOutput[], seat?: number): Float32Array {
  const out = new Float32Array(ticks.length * 960);
  for (const [index, mixed] of ticks.entries()) {
    const own = seat === undefined ? undefined : mixed.mixMinus.get(seat);
    out.set(own ?? mixed.programme, index * 960);
  }
  return out;
}

function run(frames: number, seatsAt: (frame: number) => readonly MixerInput[]): MixerOutput[] {
  const mixer = createMixer();
  return Array.from({ length: frames }, (_, frame) => {
    const { programme, mixMinus } = mixer.tick(seatsAt(frame));
    return { programme: programme.slice(), mixMinus: new Map([...mixMinus].map(([seat, own]) => [seat, own.slice()])) };
  });
}

function greatestStep(pcm: Float32Array): number {
  let greatest = 0;
  for (let index = 1; index < pcm.length; index += 1) {
    greatest = Math.max(greatest, Math.abs((pcm[index] ?? 0) - (pcm[index - 1] ?? 0)));
  }
  return greatest;
}

test("a seat's mix-minus equals the mix of a stage without that seat", () => {
  const amplitude = fc.double({ min: 0.01, max: 0.15, noNaN: true });
  const property = fc.property(fc.array(amplitude, { minLength: 1, maxLength: 6 }), (amplitudes) => {
    const seats = (frame: number) =>
      amplitudes.map((level, seat) => ({ seat, pcm: tone(frame, 200 + 170 * seat, level), gain: 1 }));
    const all = run(4, seats);
    for (const seat of amplitudes.keys()) {
      const without = run(4, (frame) => seats(frame).filter((other) => other.seat !== seat));
      const difference = joined(all, seat).map((value, index) => value - (joined(without)[index] ?? 0));
      assert.ok(Math.max(...difference.map(Math.abs)) < 1e-7);
    }
  });
  fc.assert(property, { numRuns: 20 });
});

test("speakers do not hear themselves, and everybody else hears them", () => {
  const ticks = run(20, (frame) => [
    { seat: 0, pcm: tone(frame, 440), gain: 1 },
    { seat: 1, pcm: new Float32Array(960), gain: 1 },
  ]);
  assert.ok(joined(ticks, 0).every((sample) => sample === 0));
  assert.ok(Math.max(...joined(ticks, 1)) > 0.09);
});

test("silent seats share the programme's frame", () => {
  const ticks = run(3, (frame) => [
    { seat: 0, pcm: tone(frame, 440), gain: 1 },
    { seat: 1, pcm: tone(frame, 880), gain: 0 },
    { seat: 2, pcm: new Float32Array(960), gain: 1 },
  ]);
  for (const { mixMinus } of ticks) assert.deepEqual([...mixMinus.keys()], [0]);
});

test("muting, unmuting, joining and leaving click for nobody", () => {
  const seats = (frame: number): MixerInput[] => {
    const first = { seat: 0, pcm: tone(frame, 300), gain: frame % 7 < 4 ? 1 : 0 };
    const second = { seat: 1, pcm: tone(frame, 500), gain: 1 };
    return frame % 11 < 6 ? [first, second] : [first];
  };
  const ticks = run(120, seats);
  const smooth = (0.1 * 2 * Math.PI * 800) / 48_000 + 0.25 / RAMP_SAMPLES;
  for (const seat of [undefined, 0, 1, 2]) {
    const step = greatestStep(joined(ticks, seat));
    assert.ok(step < smooth * 1.2, `seat ${seat}: ${step} against ${smooth}`);
  }
});

test("a mute is complete 10 ms after its tick", () => {
  const ticks = run(4, (frame) => [{ seat: 0, pcm: tone(frame, 300), gain: frame < 2 ? 1 : 0 }]);
  const programme = joined(ticks);
  assert.ok(programme.slice(1500, 1920).some((sample) => Math.abs(sample) > 0.05));
  assert.ok(programme.slice(1920 + RAMP_SAMPLES + LIMITER_LATENCY_SAMPLES).every((sample) => sample === 0));
});

test("twenty loud seats do not pass the ceiling in the programme or in a mix-minus", () => {
  const ticks = run(30, (frame) =>
    Array.from({ length: 20 }, (_, seat) => ({ seat, pcm: tone(frame, 180 + 37 * seat, 0.7), gain: 1 })),
  );
  for (const seat of [undefined, 0, 19]) {
    const peak = Math.max(...joined(ticks, seat).map(Math.abs));
    assert.ok(peak <= 0.8414 && peak > 0.5, `${peak}`);
  }
});
