import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseRtp, type RtpPacket, writeRtp } from "./rtp.ts";

const fields = fc.record({
  payloadType: fc.integer({ min: 0, max: 127 }),
  marker: fc.boolean(),
  sequence: fc.integer({ min: 0, max: 0xffff }),
  timestamp: fc.integer({ min: 0, max: 0xffffffff }),
  ssrc: fc.integer({ min: 0, max: 0xffffffff }),
  payload: fc.uint8Array({ maxLength: 300 }),
});

function packetOf(bytes: Uint8Array, levelExtensionId?: number): RtpPacket {
  const parsed = parseRtp(bytes, levelExtensionId);
  assert.equal(parsed.kind, "rtp");
  return parsed as RtpPacket;
}

/** A header from its first byte and the bytes after the fixed twelve. */
function raw(first: number, rest: readonly number[]): Uint8Array {
  return Uint8Array.of(first, 111, 0, 1, 0, 0, 3, 192, 0, 0, 0, 9, ...rest);
}

test("reads back the packets that it wrote", () => {
  fc.assert(fc.property(fields, (given) => assert.deepEqual(packetOf(writeRtp(given)), { kind: "rtp", ...given })));
});

test("arbitrary bytes give a packet or a fault, and the payload lies inside them", () => {
  const property = fc.property(fc.uint8Array({ maxLength: 120 }), fc.integer({ min: 1, max: 255 }), (noise, id) => {
    for (const bytes of [noise, Uint8Array.of(0x80 | (noise[0] ?? 0), ...noise.subarray(1))]) {
      const parsed = parseRtp(bytes, id);
      if (parsed.kind === "fault") continue;
      assert.ok(parsed.payload.length <= bytes.length - 12);
      assert.ok(parsed.levelDbov === undefined || (parsed.levelDbov >= 0 && parsed.levelDbov <= 127));
    }
  });
  fc.assert(property, { numRuns: 5000 });
});

test("the payload has no contributing sources, extension or padding", () => {
  const extension = [0xbe, 0xde, 0, 1, 0x10, 0x85, 0, 0];
  const bytes = raw(0x80 | 0x20 | 0x10 | 1, [0, 0, 0, 7, ...extension, 1, 2, 3, 0, 0, 3]);
  const packet = packetOf(bytes, 1);
  assert.deepEqual([...packet.payload], [1, 2, 3]);
  assert.equal(packet.levelDbov, 5);
  assert.equal(packet.voice, true);
  assert.equal(packetOf(bytes).levelDbov, undefined);
});

test("wrong lengths are faults", () => {
  const fault = (bytes: Uint8Array) => {
    const parsed = parseRtp(bytes);
    return parsed.kind === "fault" ? parsed.reason : undefined;
  };
  assert.equal(fault(new Uint8Array(11)), "short");
  assert.equal(fault(raw(0x40, [])), "version");
  assert.equal(fault(raw(0x8f, [1, 2, 3])), "csrc");
  assert.equal(fault(raw(0x90, [0xbe, 0xde])), "extension");
  assert.equal(fault(raw(0x90, [0xbe, 0xde, 0xff, 0xff, 0, 0])), "extension");
  assert.equal(fault(raw(0xa0, [1, 2, 0])), "padding");
  assert.equal(fault(raw(0xa0, [1, 2, 4])), "padding");
  assert.equal(fault(raw(0xa0, [1, 2, 3])), undefined);
});

test("reads the level from one-byte and two-byte extensions, after other elements and padding", () => {
  const oneByte = raw(0x90, [0xbe, 0xde, 0, 2, 0x21, 9, 9, 0, 0x30, 0x7f, 0, 0, 1]);
  assert.equal(packetOf(oneByte, 3).levelDbov, 127);
  const twoByte = raw(0x90, [0x10, 0, 0, 2, 2, 2, 9, 9, 0, 30, 1, 0x80, 1]);
  const packet = packetOf(twoByte, 30);
  assert.equal(packet.levelDbov, 0);
  assert.equal(packet.voice, true);
  assert.equal(packetOf(raw(0x90, [0xbe, 0xde, 0, 1, 0xf0, 0x30, 5, 5, 1]), 3).levelDbov, undefined, "15 ends it");
  assert.equal(packetOf(raw(0x90, [0xbe, 0xde, 0, 1, 0, 0, 0, 0x3f, 1]), 3).levelDbov, undefined, "cut short");
  assert.equal(packetOf(raw(0x90, [0x10, 0, 0, 1, 3, 0, 0, 0, 1]), 3).levelDbov, undefined, "empty element");
});
