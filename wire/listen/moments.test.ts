import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BadFrame, decodeFrame, momentsFrame } from "./frames.ts";
import {
  checkMoments,
  completeMomentsTo,
  MOMENT_DELAY_SLOTS,
  MOMENT_OBJECT_SLOTS,
  momentObjectJson,
  momentObjectName,
  momentObjectSlot,
  readMomentObject,
} from "./moments.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const moment = (seq: number) => ({ seq, slot: 30, utcMs: 1, kind: "comment", text: `“${seq}”` });

test("reads back the object and the frame that were written", () => {
  const object = { from: 30, to: 40, moments: [moment(3), moment(4)] };
  assert.deepEqual(readMomentObject(bytesOf(momentObjectJson(object)), 30), object);
  assert.deepEqual(decodeFrame(momentsFrame(object.moments)), { kind: "moments", entries: object.moments });
});

test("rejects another object, and moments that lack a field, repeat or descend", () => {
  const object = { from: 30, to: 40, moments: [moment(3), moment(4)] };
  const read = (value: unknown, from = 30) => readMomentObject(bytesOf(JSON.stringify(value)), from);
  const wrong = [
    { ...object, from: 40 },
    { ...object, to: 50 },
    { ...object, moments: {} },
    { ...object, moments: [moment(4), moment(4)] },
    { ...object, moments: [moment(4), moment(3)] },
    { ...object, moments: [{ ...moment(4), seq: 0 }] },
    { ...object, moments: [{ ...moment(4), slot: -1 }] },
    { ...object, moments: [{ ...moment(4), utcMs: "1" }] },
    { ...object, moments: [{ ...moment(4), kind: 7 }] },
    { ...object, moments: [null] },
    null,
    [],
    7,
  ];
  for (const value of wrong) assert.throws(() => read(value), BadFrame, JSON.stringify(value));
  assert.throws(() => read(object, 40), BadFrame);
});

test("reads any bytes and any JSON as ascending moments or throws BadFrame", () => {
  const isFine = (read: () => readonly { readonly seq: number }[]): void => {
    let moments: readonly { readonly seq: number }[];
    try {
      moments = read();
    } catch (cause) {
      assert.ok(cause instanceof BadFrame);
      return;
    }
    assert.ok(moments.every(({ seq }, i) => seq > (moments[i - 1]?.seq ?? 0)));
  };
  const fields = { seq: fc.nat(5), slot: fc.nat(50), utcMs: fc.double(), kind: fc.string() };
  const entry = fc.oneof(fc.record(fields), fc.jsonValue());
  const objects = fc.record({ from: fc.constantFrom(30, 40), to: fc.constant(40), moments: fc.array(entry) });
  fc.assert(fc.property(fc.uint8Array(), (bytes) => isFine(() => readMomentObject(bytes, 30).moments)));
  fc.assert(
    fc.property(fc.oneof(objects, fc.jsonValue()), (value) =>
      isFine(() => readMomentObject(bytesOf(JSON.stringify(value) ?? ""), 30).moments),
    ),
  );
  fc.assert(
    fc.property(fc.array(entry), (entries) =>
      isFine(() => {
        const frame = decodeFrame(momentsFrame(entries as never));
        assert.ok(frame?.kind === "moments");
        checkMoments(frame.entries);
        return frame.entries;
      }),
    ),
  );
});

test("names each object by its first slot, and knows no other names", () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), (slot) => {
      const isFirst = slot % MOMENT_OBJECT_SLOTS === 0;
      assert.equal(momentObjectSlot(momentObjectName(slot)), isFirst ? slot : undefined);
    }),
  );
  for (const name of ["", "010.json", "-10.json", "1e1.json", "10", "10.json ", "10.jsonx", "99999999990.json"])
    assert.equal(momentObjectSlot(name), undefined, name);
});

test("completes an object when the sound is a second past its end", () => {
  const end = MOMENT_OBJECT_SLOTS * 3;
  assert.equal(completeMomentsTo(end + MOMENT_DELAY_SLOTS), end);
  assert.equal(completeMomentsTo(end + MOMENT_DELAY_SLOTS - 1), end - MOMENT_OBJECT_SLOTS);
  assert.equal(completeMomentsTo(0), 0);
});
