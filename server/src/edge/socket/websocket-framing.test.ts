import assert from "node:assert/strict";
import { test } from "node:test";
import { binaryFrame } from "./websocket-framing.ts";

test("a frame's header says its length in each of the three ways", () => {
  assert.deepEqual([...binaryFrame(new Uint8Array(3)).subarray(0, 2)], [0x82, 3]);
  assert.deepEqual([...binaryFrame(new Uint8Array(300)).subarray(0, 4)], [0x82, 126, 1, 44]);
  assert.deepEqual([...binaryFrame(new Uint8Array(70_000)).subarray(0, 10)], [0x82, 127, 0, 0, 0, 0, 0, 1, 17, 112]);
});
