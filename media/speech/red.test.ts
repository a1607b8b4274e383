import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isRedFault, MAX_REDUNDANT, parseRed, type RedBlock, writeRed } from "./red.ts";

function blocksOf(payload: Uint8Array, timestamp: number): readonly RedBlock[] {
  const parsed = parseRed(payload, timestamp);
  if (isRedFault(parsed)) throw new Error(parsed.reason);
  return parsed;
}

test("reads back the blocks that it wrote, oldest first, the primary last", () => {
  const redundant = fc.record({
    payloadType: fc.integer({ min: 0, max: 127 }),
    offset: fc.integer({ min: 1, max: 0x3fff }),
    payload: fc.uint8Array({ maxLength: 1023 }),
  });
  const property = fc.property(
    fc.array(redundant, { maxLength: MAX_REDUNDANT }),
    fc.uint8Array({ maxLength: 1500 }),
    fc.integer({ min: 0, max: 0xffffffff }),
    (redundants, payload, timestamp) => {
      const blocks = blocksOf(writeRed({ payloadType: 111, payload }, redundants), timestamp);
      const expected = redundants.map((block) => ({
        payloadType: block.payloadType,
        timestamp: (timestamp - block.offset) >>> 0,
        payload: block.payload,
        primary: false,
      }));
      assert.deepEqual(blocks, [...expected, { payloadType: 111, timestamp, payload, primary: true }]);
    },
  );
  fc.assert(property);
});

test("arbitrary bytes give blocks inside them, or a fault", () => {
  const property = fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    const parsed = parseRed(bytes, 0);
    if (isRedFault(parsed)) return;
    assert.ok(parsed.length >= 1 && parsed.length <= MAX_REDUNDANT + 1);
    assert.equal(parsed.at(-1)?.primary, true);
    assert.ok(parsed.reduce((sum, block) => sum + block.payload.length, 0) < bytes.length);
  });
  fc.assert(property, { numRuns: 5000 });
});

test("unfinished headers, too many blocks and wrong lengths are faults", () => {
  assert.deepEqual(parseRed(new Uint8Array(0), 0), { kind: "fault", reason: "short" });
  assert.deepEqual(parseRed(Uint8Array.of(0xef, 0, 4), 0), { kind: "fault", reason: "short" });
  const many = Uint8Array.from({ length: 4 * (MAX_REDUNDANT + 1) + 1 }, (_, at) => (at % 4 === 0 ? 0xef : 0));
  assert.deepEqual(parseRed(many, 0), { kind: "fault", reason: "blocks" });
  assert.deepEqual(parseRed(Uint8Array.of(0xef, 0x0f, 0, 9, 111, 1, 2), 0), { kind: "fault", reason: "lengths" });
});

test("reads a browser's packet with one copy from 20 ms before", () => {
  const blocks = blocksOf(Uint8Array.of(0x80 | 111, 0x0f, 0x00, 0x02, 111, 7, 8, 9), 960);
  assert.deepEqual(
    blocks.map(({ timestamp, payload, primary }) => [timestamp, [...payload], primary]),
    [
      [0, [7, 8], false],
      [960, [9], true],
    ],
  );
});

test("leaves out a copy that does not fit its header", () => {
  const copy = { payloadType: 111, offset: 960, payload: new Uint8Array(1024) };
  const far = { payloadType: 111, offset: 0x4000, payload: Uint8Array.of(1) };
  assert.deepEqual([...writeRed({ payloadType: 111, payload: Uint8Array.of(5) }, [copy, far])], [111, 5]);
});
