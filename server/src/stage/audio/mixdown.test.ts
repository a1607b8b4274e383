import assert from "node:assert/strict";
import { test } from "node:test";
import { loadOpus, type Opus } from "@hustings/media/codec/opus.ts";
import { FRAGMENT_PACKETS, PACKET_MS, PACKET_SAMPLES } from "@hustings/wire/units.ts";
import { createMixdown, type MixInput } from "./mixdown.ts";
import { startProgramme } from "./programme.ts";

const opus = await loadOpus();

/** Opus whose encoders report `event` before each packet. */
function recordingOpus(event: string, events: string[]): Opus {
  return {
    ...opus,
    encoder: (options) => {
      const encoder = opus.encoder(options);
      const encode = encoder.encode.bind(encoder);
      return Object.assign(encoder, {
        encode(pcm: Float32Array) {
          events.push(event);
          return encode(pcm);
        },
      });
    },
  };
}

function speaking(seat: number, events: string[]): MixInput {
  const frame = () => ({
    pcm: Float32Array.from({ length: PACKET_SAMPLES }, (_, index) => 0.1 * Math.sin(index * 0.05 * (seat + 1))),
    gate: 1 as const,
    levelDbov: 20,
    speaking: true,
  });
  const active = { receivesSound: true, lossFraction: 0, sendPacket: () => void events.push("send return") };
  return { connection: { seat, tick: frame, active }, isMuted: false };
}

test("a tick encodes and appends the programme before it encodes or sends any return", () => {
  const events: string[] = [];
  using mixdown = createMixdown(recordingOpus("encode return", events));
  using programme = startProgramme({
    opus: recordingOpus("encode programme", events),
    firstSlot: 0,
    append: (rendition) => void events.push(`append ${rendition}`),
    onMissing: () => assert.fail("no slot is missing"),
  });
  const inputs = [speaking(0, events), speaking(1, events)];
  for (let packet = 0; packet < FRAGMENT_PACKETS; packet += 1) {
    events.length = 0;
    mixdown.tick(packet, packet * PACKET_MS, { slot: 0, packet }, inputs, programme);
    assert.deepEqual(events, [
      ...["encode programme", "encode programme"],
      ...(packet === FRAGMENT_PACKETS - 1 ? ["append 32", "append 16"] : []),
      ...["encode return", "send return", "encode return", "send return"],
    ]);
  }
});
