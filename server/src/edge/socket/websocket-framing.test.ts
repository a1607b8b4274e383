import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { binaryFrame } from "./websocket-framing.ts";

test("writes the payload length in each of the three forms of RFC 6455", () => {
  assert.deepEqual([...binaryFrame(new Uint8Array(3)).subarray(0, 2)], [0x82, 3]);
  assert.deepEqual([...binaryFrame(new Uint8Array(300)).subarray(0, 4)], [0x82, 126, 1, 44]);
  assert.deepEqual([...binaryFrame(new Uint8Array(70_000)).subarray(0, 10)], [0x82, 127, 0, 0, 0, 0, 0, 1, 17, 112]);
});

test("a payload in parts gives the same bytes as the payload in one piece", () => {
  const part = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      assert.deepEqual(binaryFrame(...parts), binaryFrame(Buffer.concat(parts)));
    }),
  );
});
