import assert from "node:assert/strict";
import { test } from "node:test";
import { loadOpus } from "@hustings/media/codec/opus.ts";
import { fillerPackets } from "@hustings/media/container/filler.ts";
import { decodeFragment } from "@hustings/wire/log/fragment.ts";
import { PACKET_SAMPLES, RENDITIONS, type Rendition } from "@hustings/wire/units.ts";
import { MAX_HELD_SLOTS, type Programme, startProgramme } from "./programme.ts";

const opus = await loadOpus();
const levels = [{ seat: 3, levelDbov: 20 }];

function start(firstSlot = 10) {
  const log: { rendition: Rendition; slot: number; bytes: Uint8Array }[] = [];
  const missing: [number, number][] = [];
  const programme = startProgramme({
    opus,
    firstSlot,
    append: (rendition, slot, bytes) => log.push({ rendition, slot, bytes }),
    onMissing: (from, to) => missing.push([from, to]),
  });
  const slots = (rendition: Rendition = "32") =>
    log.filter((record) => record.rendition === rendition).map(({ slot }) => slot);
  return { programme, log, missing, slots };
}

function pushSine(programme: Programme, slot: number, from = 0, to = 10): void {
  const pcm = Float32Array.from({ length: PACKET_SAMPLES }, (_, index) => 0.1 * Math.sin(index * 0.05));
  for (let packet = from; packet < to; packet++) programme.push(slot, packet, pcm, levels);
}

test("ten packets make a fragment of each rendition, near its bit rate, with the slot's levels", () => {
  const { programme, log } = start();
  for (let slot = 10; slot < 15; slot++) pushSine(programme, slot);
  for (const rendition of RENDITIONS) {
    const own = log.filter((record) => record.rendition === rendition);
    assert.deepEqual(
      own.map(({ slot }) => slot),
      [10, 11, 12, 13, 14],
    );
    for (const { slot, bytes } of own) {
      const fragment = decodeFragment(bytes);
      assert.equal(fragment.slot, slot);
      assert.deepEqual(fragment.levels, levels);
      assert.ok(bytes.length < Number(rendition) * 25 * 1.3, `${bytes.length} bytes at ${rendition} kb/s`);
    }
  }
});

test("skips a slot whose first packet it did not get, and reports it missing as the next one begins", () => {
  const { programme, slots, missing } = start();
  pushSine(programme, 10, 3);
  pushSine(programme, 11, 0, 1);
  assert.deepEqual(missing, [[10, 11]]);
  pushSine(programme, 11, 1);
  assert.deepEqual(slots(), [11]);
  assert.equal(missing.length, 1);
});

test("appends an interrupted slot with filler after its packets", () => {
  const { programme, log, missing } = start();
  pushSine(programme, 10, 0, 4);
  programme.finishWithFiller();
  pushSine(programme, 10, 7);
  pushSine(programme, 13);
  const [first] = log;
  const { packets } = decodeFragment(first?.bytes as Uint8Array);
  assert.deepEqual(packets.slice(4).map(String), fillerPackets(10).slice(4).map(String));
  assert.notDeepEqual(String(packets[3]), String(fillerPackets(10)[3]));
  assert.deepEqual(missing, [[11, 13]]);
});

test("filling between two slots appends nothing", () => {
  const { programme, slots } = start();
  programme.finishWithFiller();
  pushSine(programme, 10);
  programme.finishWithFiller();
  assert.deepEqual(slots(), [10]);
});

test("appends held fragments in order when released, and not before", () => {
  const { programme, slots } = start();
  programme.holdFrom(11);
  for (let slot = 10; slot < 14; slot++) pushSine(programme, slot);
  assert.deepEqual(slots(), [10]);
  programme.release();
  pushSine(programme, 14);
  assert.deepEqual(slots(), [10, 11, 12, 13, 14]);
  assert.deepEqual(slots("16"), slots("32"));
});

test("drops the oldest held fragments beyond the limit and reports them missing", () => {
  const { programme, slots, missing } = start();
  programme.holdFrom(10);
  for (let slot = 10; slot < 10 + MAX_HELD_SLOTS + 3; slot++) pushSine(programme, slot);
  programme.release();
  assert.equal(slots().length, MAX_HELD_SLOTS);
  assert.deepEqual(missing, [[10, 13]]);
});

test("sends filler during exact silence, and all of the first sound after it", () => {
  const { programme, log } = start();
  const sine = Float32Array.from({ length: PACKET_SAMPLES }, (_, index) => 0.1 * Math.sin(index * 0.05));
  const nothing = new Float32Array(PACKET_SAMPLES);
  for (let packet = 0; packet < 60; packet++) {
    const isSound = packet < 10 || packet >= 40;
    programme.push(10 + Math.floor(packet / 10), packet % 10, isSound ? sine : nothing, []);
  }
  const packets = log
    .filter(({ rendition }) => rendition === "32")
    .flatMap(({ bytes }) => decodeFragment(bytes).packets);
  const [silence] = fillerPackets(0);
  assert.equal(packets.filter((packet) => Buffer.compare(packet, silence as Uint8Array) === 0).length, 20);
  using decoder = opus.decoder();
  const powers = packets.map((packet) => decoder.decode(packet).reduce((sum, sample) => sum + sample ** 2, 0) / 960);
  assert.ok(
    powers.slice(25, 39).every((power) => power < 1e-9),
    "filler is silent",
  );
  assert.ok(
    powers.slice(42).every((power) => power > 0.003 && power < 0.007),
    `the sound is back: ${powers.slice(40)}`,
  );
});

test("no sound at all is the same bytes as exact silence", () => {
  const [known, found] = [start(), start()];
  for (let slot = 10; slot < 14; slot++) {
    for (let packet = 0; packet < 10; packet++) {
      known.programme.push(slot, packet, undefined, []);
      found.programme.push(slot, packet, new Float32Array(PACKET_SAMPLES), []);
    }
  }
  assert.equal(known.log.length, 8);
  assert.deepEqual(known.log, found.log);
});
