import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ERROR_TABLE, isErrorCode, Refusal } from "../errors.ts";
import { encodeFragment } from "../log/fragment-encode.ts";
import { EMPTY_STATE } from "../log/state.ts";
import { parseCommand } from "../stage/commands.ts";
import { CHANNEL_LABEL, parseSpeakerMessage } from "../stage/data-channel.ts";
import {
  BadFrame,
  decodeFrame,
  noticeFrame,
  parseListenerMessage,
  snapshotFrame,
  soundFrame,
  stateFrame,
} from "./frames.ts";

const fragment = (slot: number) =>
  encodeFragment({ slot, levels: [], packets: Array.from({ length: 10 }, (_, i) => Uint8Array.of(i + 1)) });

test("a sound frame is two bytes and then whole fragments in order", () => {
  const frame = soundFrame("16", [fragment(7), fragment(8)]);
  const decoded = decodeFrame(frame);
  assert.ok(decoded?.kind === "sound");
  assert.equal(decoded.rendition, "16");
  assert.deepEqual(
    decoded.fragments.map(({ slot }) => slot),
    [7, 8],
  );
  assert.equal(frame.length, fragment(7).length * 2 + 2);
});

test("snapshots, state entries and notices decode to what was encoded", () => {
  const snapshot = {
    state: EMPTY_STATE,
    headSlot: 9,
    nextSlot: null,
    rendition: "32",
    cadenceMs: 200,
    audience: 3,
    utcMs: 5,
  } as const;
  const back = decodeFrame(snapshotFrame(snapshot));
  assert.ok(back?.kind === "snapshot" && back.snapshot.headSlot === 9 && back.snapshot.nextSlot === null);
  const entry = { kind: "live", seq: 1, slot: 2, utcMs: 3 } as const;
  assert.deepEqual(decodeFrame(stateFrame([entry])), { kind: "state", entries: [entry] });
  const notice = { kind: "skipped", from: 1, to: 9 } as const;
  assert.deepEqual(decodeFrame(noticeFrame(notice)), { kind: "notice", notice });
});

test("ignores a frame of an unknown kind", () => {
  assert.equal(decodeFrame(Uint8Array.of(99, 1, 2)), undefined);
});

test("arbitrary bytes give a message, an unknown kind or a BadFrame", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .tuple(fc.integer({ min: 1, max: 5 }), fc.json())
      .map(([kind, json]) => Uint8Array.from([kind, ...Buffer.from(json)])),
  );
  fc.assert(
    fc.property(bytes, (frame) => {
      try {
        decodeFrame(frame);
      } catch (error) {
        assert.ok(error instanceof BadFrame);
      }
    }),
    { numRuns: 2000 },
  );
});

test("accepts the three messages of a listener and throws BadFrame on anything else", () => {
  assert.deepEqual(parseListenerMessage('{"kind":"ping","echo":5,"more":1}'), { kind: "ping", echo: 5 });
  assert.deepEqual(parseListenerMessage('{"kind":"rendition","rendition":"16"}'), {
    kind: "rendition",
    rendition: "16",
  });
  assert.deepEqual(parseListenerMessage('{"kind":"ready","cadenceMs":2000}'), { kind: "ready", cadenceMs: 2000 });
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 2000 }), fc.json()), (text) => {
      assert.throws(() => parseListenerMessage(text), BadFrame);
    }),
  );
});

test("parses data channel messages and refuses anything else with a Refusal", () => {
  assert.equal(CHANNEL_LABEL, "hustings");
  assert.deepEqual(
    parseSpeakerMessage('{"kind":"command","id":4,"command":{"do":"mute","seat":3,"muted":true,"x":1}}'),
    {
      kind: "command",
      id: 4,
      command: { do: "mute", seat: 3, muted: true },
    },
  );
  assert.deepEqual(parseSpeakerMessage('{"kind":"ping","id":4}'), { kind: "ping", id: 4 });
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.string({ minLength: 5000, maxLength: 6000 })), (text) => {
      assert.throws(() => parseSpeakerMessage(text), Refusal);
    }),
  );
});

test("refuses commands with values outside their range", () => {
  for (const value of [
    null,
    1,
    {},
    { do: "sing" },
    { do: "mute", seat: 20, muted: true },
    { do: "mute", seat: 1 },
    { do: "remove", seat: -1 },
    { do: "invite", person: "x" },
    { do: "title", title: "\u202Egnp.exe" },
    { do: "title", title: "   " },
  ]) {
    assert.throws(() => parseCommand(value), Refusal, JSON.stringify(value));
  }
  assert.deepEqual(parseCommand({ do: "title", title: "  A   fine\nday " }), { do: "title", title: "A fine day" });
});

test("every error has a status from 400 to 599, and no close code is used twice", () => {
  const codes = Object.values(ERROR_TABLE).flatMap((row) => ("closeCode" in row ? [row.closeCode] : []));
  assert.equal(new Set(codes).size, codes.length);
  for (const row of Object.values(ERROR_TABLE))
    assert.ok(row.status >= 400 && row.status < 600 && row.what && row.todo);
  assert.ok(isErrorCode("no-space") && !isErrorCode("toString") && !isErrorCode(5));
  assert.deepEqual(new Refusal("full", undefined, { retryAfterMs: 500 }).body().retryAfterMs, 500);
});
