import assert from "node:assert/strict";
import { test } from "node:test";
import { writeRtp } from "@hustings/media/speech/rtp.ts";
import fc from "fast-check";
import { countPacket, isRtcp, type Reception, readRtcp, writeReport } from "./rtcp.ts";

const SPEAKER = 0xdead_beef;
const STAGE = 0xcafe_f00d;
const SENT = { ssrc: STAGE, packets: 10, octets: 800, rtpTimestamp: 9_600 };

/** Counts packets with these sequence numbers, each 20 ms after the one before. */
function receive(sequences: readonly number[], before?: Reception): Reception | undefined {
  let reception = before;
  for (const sequence of sequences) {
    const timestamp = sequence * 960;
    const rtp = writeRtp({ payloadType: 111, sequence, timestamp, ssrc: SPEAKER, payload: new Uint8Array(3) });
    reception = countPacket(reception, rtp, sequence * 20);
  }
  return reception;
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

test("the other side reads from our report the loss since the report before", () => {
  const first = writeReport(SENT, receive([0, 1, 2, 4, 5, 6, 7, 9]), undefined, 1_000);
  assert.equal(readRtcp(first.bytes, SPEAKER, 1_000).report?.lossFraction, 51 / 256);
  assert.equal(readRtcp(first.bytes, SPEAKER + 1, 1_000).report, undefined);
  const second = writeReport(SENT, receive([10, 11, 12, 13], first.reception), undefined, 2_000);
  assert.equal(readRtcp(second.bytes, SPEAKER, 2_000).report?.lossFraction, 0);
  assert.equal(view(second.bytes).getUint32(28 + 4) & 0xff_ffff, 2);
});

test("counts across a wrap of the sequence number, and ignores late packets for the highest", () => {
  const reception = receive([65_534, 65_535, 0, 1, 65_533]);
  assert.equal(reception?.highest, 65_537);
  assert.equal(reception?.received, 5);
});

test("a new SSRC starts new counts", () => {
  const other = writeRtp({ payloadType: 111, sequence: 7, timestamp: 0, ssrc: 1, payload: new Uint8Array(1) });
  const reception = countPacket(receive([1, 2, 3]), other, 0);
  assert.deepEqual([reception?.ssrc, reception?.received, reception?.highest], [1, 1, 7]);
});

test("the round trip excludes the time that the other side held the report", () => {
  const ours = writeReport(SENT, undefined, undefined, 5_000);
  const senderReportNtp = readRtcp(ours.bytes, STAGE, 0).senderReportNtp ?? 0;
  const theirs = writeReport({ ...SENT, ssrc: SPEAKER }, receiveFromStage(), { senderReportNtp, atMs: 100 }, 300);
  const { report } = readRtcp(theirs.bytes, STAGE, 5_240);
  assert.ok(Math.abs((report?.roundTripMs ?? 0) - 40) < 1);
});

function receiveFromStage(): Reception | undefined {
  const rtp = writeRtp({ payloadType: 111, sequence: 1, timestamp: 0, ssrc: STAGE, payload: new Uint8Array(1) });
  return countPacket(undefined, rtp, 0);
}

test("a report without reception, or before anything was sent, is a valid compound packet", () => {
  const { bytes } = writeReport({ ...SENT, packets: 0 }, undefined, undefined, 0);
  assert.equal(isRtcp(bytes), true);
  assert.equal(bytes.length, 28);
  assert.deepEqual(readRtcp(bytes, STAGE, 0), { report: undefined, senderReportNtp: undefined });
});

test("tells RTP from RTCP", () => {
  for (const payloadType of [0, 63, 96, 111, 127]) {
    const fields = { payloadType, sequence: 1, timestamp: 1, ssrc: 1, payload: new Uint8Array(20) };
    assert.equal(isRtcp(writeRtp(fields)), false);
    assert.equal(isRtcp(writeRtp({ ...fields, marker: true })), false);
  }
});

test("reads any bytes without an exception and with numbers in range", () => {
  const compound = writeReport(SENT, receive([1, 2, 5]), undefined, 77).bytes;
  const bent = fc
    .tuple(fc.nat(compound.length - 1), fc.nat(255), fc.nat(compound.length))
    .map(([at, byte, length]) => compound.with(at, byte).subarray(0, length));
  fc.assert(
    fc.property(fc.oneof(bent, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      const { report } = readRtcp(bytes, SPEAKER, 1_000);
      assert.ok(report === undefined || (report.lossFraction >= 0 && report.lossFraction < 1));
      countPacket(undefined, bytes, 0);
    }),
    { numRuns: 2_000 },
  );
});
