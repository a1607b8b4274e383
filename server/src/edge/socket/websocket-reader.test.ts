import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_LISTENER_MESSAGE_BYTES } from "@hustings/wire/listen/frames.ts";
import fc from "fast-check";
import { closing, frame, inFrames, VECTORS } from "../testing/websocket-vectors.ts";
import { MAX_FRAGMENTS, type WebSocketEvent, WebSocketReader } from "./websocket-reader.ts";

const RUNS = { numRuns: 3_000 };

function wordOf(heard: WebSocketEvent): string {
  switch (heard.kind) {
    case "text":
      return `text:${heard.text}`;
    case "ping": {
      const text = heard.payload.toString("latin1");
      return `ping:${/^[ -~]*$/.test(text) ? text : heard.payload.toString("hex")}`;
    }
    case "close":
    case "fault":
      return `${heard.kind}:${heard.code}`;
    default:
      return heard.kind;
  }
}

function read(pieces: Iterable<Buffer>): string[] {
  const reader = new WebSocketReader();
  const words: string[] = [];
  for (const piece of pieces) {
    reader.push(piece);
    for (let heard = reader.next(); heard; heard = reader.next()) words.push(wordOf(heard));
  }
  return words;
}

function chopped(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes.length === 0 ? bytes.length : (sizes[i % sizes.length] as number);
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

test("answers every applicable case of the published conformance suite, whole and byte by byte", () => {
  for (const { cases, sent, heard } of VECTORS) {
    assert.deepEqual(read([sent]), heard, `case ${cases}`);
    assert.deepEqual(read(chopped(sent, [1])), heard, `case ${cases}, byte by byte`);
  }
  assert.ok(VECTORS.length > 120);
});

test("reads the same events however the bytes are split", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });
  const sent = fc.oneof(
    fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
    fc.array(fc.constantFrom(...VECTORS.filter((one) => one.sent.length < 2_000)), { maxLength: 6 }).map((all) => {
      return Buffer.concat(all.map((one) => one.sent));
    }),
  );
  fc.assert(
    fc.property(sent, sizes, (bytes, cuts) => assert.deepEqual(read(chopped(bytes, cuts)), read([bytes]))),
    RUNS,
  );
});

test("changed bytes of one frame give its event or one fault, and nothing after it", () => {
  const edit = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
  const messages = fc.array(fc.constantFrom(...VECTORS), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(messages, fc.array(edit, { maxLength: 4 }), (all, edits) => {
      const bytes = Buffer.concat(all.map(({ sent }) => sent));
      for (const { at, byte } of edits) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      const words = read([bytes]);
      const fault = words.findIndex((word) => word.startsWith("fault:"));
      assert.ok(fault === -1 || fault === words.length - 1);
      for (const word of words) {
        if (word.startsWith("fault:")) assert.match(word, /^fault:(1002|1007|4402|4413)$/);
        if (word.startsWith("text:")) assert.ok(Buffer.byteLength(word) <= MAX_LISTENER_MESSAGE_BYTES + 5);
      }
    }),
    RUNS,
  );
});

test("reads texts in any number of frames up to the limit, with pings in between", () => {
  const parts = fc.array(fc.string({ unit: "grapheme", maxLength: 8 }), { minLength: 1, maxLength: MAX_FRAGMENTS });
  fc.assert(
    fc.property(parts, fc.boolean(), (texts, hasPings) => {
      const frames = inFrames(texts).flatMap((one) => (hasPings ? [frame(9, "p"), one] : [one]));
      const pings = hasPings ? texts.map(() => "ping:p") : [];
      assert.deepEqual(read([Buffer.concat(frames)]), [...pings, `text:${texts.join("")}`]);
    }),
  );
});

test("refuses an announced length before the bytes arrive", () => {
  assert.deepEqual(read([Buffer.from([0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0])]), ["fault:4413"]);
  assert.deepEqual(read([Buffer.from([0x82, 0xfe, 0x04, 0x01])]), ["fault:4413"]);
  assert.deepEqual(read([Buffer.from([0x89, 0xfe])]), ["fault:1002"]);
  assert.deepEqual(read([closing(1000).subarray(0, 3)]), []);
});
