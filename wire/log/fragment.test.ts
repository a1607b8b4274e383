import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { crc32c } from "./crc32c.ts";
import {
  BadFragment,
  checkFragment,
  decodeFragment,
  decodeFragments,
  type Fragment,
  MAX_PACKET_BYTES,
  MAX_SLOT,
  peekFragment,
} from "./fragment.ts";
import { encodeFragment } from "./fragment-encode.ts";

interface Vectors {
  readonly valid: readonly {
    readonly name: string;
    readonly hex: string;
    readonly fragment: { slot: number; levels: Fragment["levels"]; packets: string[] };
  }[];
  readonly invalid: readonly { readonly name: string; readonly hex: string; readonly fault: string }[];
}

const vectors = JSON.parse(readFileSync(new URL("./vectors/fragment.json", import.meta.url), "utf8")) as Vectors;
const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const packet = fc.uint8Array({ minLength: 1, maxLength: 400 });
const level = fc.record(
  { seat: fc.integer({ min: 0, max: 19 }), levelDbov: fc.integer({ min: 0, max: 127 }) },
  { noNullPrototype: true },
);
const anyFragment: fc.Arbitrary<Fragment> = fc.record({
  slot: fc.integer({ min: 0, max: MAX_SLOT }),
  levels: fc.array(level, { maxLength: 4 }),
  packets: fc.array(packet, { minLength: 10, maxLength: 10 }),
});

for (const { name, hex, fragment } of vectors.valid) {
  test(`valid vector: ${name}`, () => {
    const decoded = decodeFragment(fromHex(hex));
    assert.equal(decoded.slot, fragment.slot);
    assert.deepEqual(decoded.levels, fragment.levels);
    assert.deepEqual(decoded.packets.map(toHex), fragment.packets);
    assert.equal(toHex(encodeFragment({ ...fragment, packets: fragment.packets.map(fromHex) })), hex);
  });
}

for (const { name, hex, fault } of vectors.invalid) {
  test(`invalid vector: ${name}`, () => {
    assert.throws(
      () => decodeFragment(fromHex(hex)),
      (error) => error instanceof BadFragment && error.fault === fault,
    );
  });
}

test("CRC-32C gives the published test vectors", () => {
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
});

test("an encoded fragment decodes to itself, also between other fragments", () => {
  fc.assert(
    fc.property(fc.array(anyFragment, { minLength: 1, maxLength: 4 }), (fragments) => {
      const bytes = Buffer.concat(fragments.map(encodeFragment));
      const decoded = decodeFragments(bytes);
      assert.equal(decoded.length, fragments.length);
      decoded.forEach((one, i) => {
        const original = fragments[i] as Fragment;
        assert.equal(one.slot, original.slot);
        assert.deepEqual(one.levels, original.levels);
        assert.deepEqual(one.packets.map(toHex), original.packets.map(toHex));
      });
      const { slot, byteLength, packets } = decoded[0] as (typeof decoded)[0];
      const packetBytes = packets.reduce((sum, { length }) => sum + length, 0);
      const lacingBytes = packets.reduce((sum, { length }) => sum + Math.floor(length / 255) + 1, 0);
      for (const extent of [peekFragment(bytes), checkFragment(bytes)])
        assert.deepEqual(extent, { slot, byteLength, packetBytes, lacingBytes });
    }),
  );
});

test("detects any single flipped bit in a fragment", () => {
  fc.assert(
    fc.property(anyFragment, fc.nat(), fc.integer({ min: 0, max: 7 }), (fragment, at, bit) => {
      const bytes = encodeFragment(fragment);
      const index = at % bytes.length;
      bytes[index] = (bytes[index] as number) ^ (1 << bit);
      assert.throws(() => decodeFragment(bytes), BadFragment);
    }),
  );
});

test("arbitrary bytes give a fragment or a BadFragment", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        decodeFragments(bytes);
      } catch (error) {
        assert.ok(error instanceof BadFragment);
      }
    }),
    { numRuns: 2000 },
  );
});

test("refuses to encode a fragment that does not fit the format", () => {
  const packets = Array.from({ length: 10 }, () => Uint8Array.of(1));
  assert.throws(() => encodeFragment({ slot: -1, levels: [], packets }), RangeError);
  assert.throws(() => encodeFragment({ slot: MAX_SLOT + 1, levels: [], packets }), RangeError);
  assert.throws(() => encodeFragment({ slot: 0, levels: [], packets: packets.slice(1) }), RangeError);
  assert.throws(
    () => encodeFragment({ slot: 0, levels: [], packets: [...packets.slice(1), new Uint8Array(MAX_PACKET_BYTES + 1)] }),
    RangeError,
  );
  assert.throws(() => encodeFragment({ slot: 0, levels: [{ seat: 20, levelDbov: 1 }], packets }), RangeError);
});

test("at 32 kb/s a fragment is at most 5 % larger than its packets", () => {
  const packets = Array.from({ length: 10 }, () => new Uint8Array(80));
  const levels = [0, 1, 2, 3].map((seat) => ({ seat, levelDbov: 20 }));
  assert.ok(encodeFragment({ slot: 1, levels, packets }).length <= 800 * 1.05);
});
