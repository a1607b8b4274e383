// RTCP between a speaker and the stage (RFC 3550 §6.4, A.3, A.8): reads and writes reports, counts packets. Pure.

const RTP_CLOCK_PER_MS = 48;
const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const BLOCK_BYTES = 24;

export interface LossReport {
  /** Share of our packets lost since the previous report, 0-1. */
  readonly lossFraction: number;
  readonly jitterMs: number;
  /** Absent until the other side has had a sender report of ours. */
  readonly roundTripMs?: number;
}

/** Whether a datagram of a track with RTP and RTCP is RTCP (RFC 5761 §4). */
export function isRtcp(bytes: Uint8Array): boolean {
  const type = bytes[1] ?? 0;
  return bytes.length >= 8 && type >= 192 && type <= 223;
}

export interface RtcpRead {
  readonly report: LossReport | undefined;
  /** Middle 32 bits of a sender report's NTP time, to echo. */
  readonly senderReportNtp: number | undefined;
}

/** `ssrc` selects the report block; `nowMs` is the clock of `writeReport`. Ignores malformed parts; never throws. */
export function readRtcp(bytes: Uint8Array, ssrc: number, nowMs: number): RtcpRead {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let report: LossReport | undefined;
  let senderReportNtp: number | undefined;
  for (let at = 0; at + 8 <= bytes.length; ) {
    const end = at + (view.getUint16(at + 2) + 1) * 4;
    if (view.getUint8(at) >> 6 !== 2 || end > bytes.length) break;
    const type = view.getUint8(at + 1);
    if (type === SENDER_REPORT && end - at >= 28) senderReportNtp = view.getUint32(at + 10);
    if (type === SENDER_REPORT || type === RECEIVER_REPORT) {
      const first = at + (type === SENDER_REPORT ? 28 : 8);
      const count = view.getUint8(at) & 0x1f;
      report = readBlocks(view, first, Math.min(end, first + count * BLOCK_BYTES), ssrc, nowMs) ?? report;
    }
    at = end;
  }
  return { report, senderReportNtp };
}

function readBlocks(view: DataView, from: number, end: number, ssrc: number, nowMs: number): LossReport | undefined {
  for (let at = from; at + BLOCK_BYTES <= end; at += BLOCK_BYTES) {
    if (view.getUint32(at) !== ssrc) continue;
    const heard = view.getUint32(at + 16);
    const roundTrip = (middleNtp(nowMs) - heard - view.getUint32(at + 20)) >>> 0;
    const basis = { lossFraction: view.getUint8(at + 4) / 256, jitterMs: view.getUint32(at + 12) / RTP_CLOCK_PER_MS };
    return heard === 0 || roundTrip > 60 * 65_536 ? basis : { ...basis, roundTripMs: (roundTrip * 1000) / 65_536 };
  }
  return undefined;
}

export interface Reception {
  readonly ssrc: number;
  readonly baseSequence: number;
  /** Wraps are counted above bit 16. */
  readonly highest: number;
  readonly received: number;
  readonly expectedBefore: number;
  readonly receivedBefore: number;
  /** RTP clock ticks (RFC 3550 §6.4.1). */
  readonly jitter: number;
  readonly transit: number;
}

/** Bytes shorter than a header change nothing. */
export function countPacket(before: Reception | undefined, rtp: Uint8Array, arrivalMs: number): Reception | undefined {
  if (rtp.length < 12) return before;
  const view = new DataView(rtp.buffer, rtp.byteOffset, rtp.byteLength);
  const sequence = view.getUint16(2);
  const transit = Math.round(arrivalMs * RTP_CLOCK_PER_MS - view.getUint32(4));
  const ssrc = view.getUint32(8);
  if (before === undefined || before.ssrc !== ssrc) {
    const counts = { received: 1, expectedBefore: 0, receivedBefore: 0, jitter: 0 };
    return { ssrc, baseSequence: sequence, highest: sequence, transit, ...counts };
  }
  const ahead = (sequence - before.highest) & 0xffff;
  const deviation = Math.abs((transit - before.transit) | 0);
  return {
    ...before,
    highest: ahead < 0x8000 ? before.highest + ahead : before.highest,
    received: before.received + 1,
    jitter: before.jitter + (deviation - before.jitter) / 16,
    transit,
  };
}

export interface SentCounts {
  readonly ssrc: number;
  readonly packets: number;
  readonly octets: number;
  readonly rtpTimestamp: number;
}

export interface LastSenderReport {
  readonly senderReportNtp: number;
  readonly atMs: number;
}

/** Report and CNAME; begins a new interval. */
export function writeReport(
  sent: SentCounts,
  reception: Reception | undefined,
  lastSenderReport: LastSenderReport | undefined,
  nowMs: number,
): { readonly bytes: Uint8Array; readonly reception: Reception | undefined } {
  const isSender = sent.packets > 0;
  const headBytes = isSender ? 28 : 8;
  const reportBytes = headBytes + (reception === undefined ? 0 : BLOCK_BYTES);
  const bytes = new Uint8Array(reportBytes + 20);
  const view = new DataView(bytes.buffer);
  writeHead(
    view,
    0,
    reception === undefined ? 0 : 1,
    isSender ? SENDER_REPORT : RECEIVER_REPORT,
    reportBytes,
    sent.ssrc,
  );
  if (isSender) {
    view.setUint32(8, Math.floor(nowMs / 1000));
    view.setUint32(12, Math.floor(((nowMs % 1000) / 1000) * 2 ** 32));
    view.setUint32(16, sent.rtpTimestamp);
    view.setUint32(20, sent.packets);
    view.setUint32(24, sent.octets);
  }
  writeHead(view, reportBytes, 1, 202, 20, sent.ssrc);
  bytes.set([1, 8, ...new TextEncoder().encode("hustings")], reportBytes + 8);
  if (reception === undefined) return { bytes, reception };
  return { bytes, reception: writeBlock(view, headBytes, reception, lastSenderReport, nowMs) };
}

function writeHead(view: DataView, at: number, count: number, type: number, length: number, ssrc: number): void {
  view.setUint8(at, 0x80 | count);
  view.setUint8(at + 1, type);
  view.setUint16(at + 2, length / 4 - 1);
  view.setUint32(at + 4, ssrc);
}

function writeBlock(
  view: DataView,
  at: number,
  reception: Reception,
  lastSenderReport: LastSenderReport | undefined,
  nowMs: number,
): Reception {
  const expected = reception.highest - reception.baseSequence + 1;
  const expectedNow = expected - reception.expectedBefore;
  const lostNow = expectedNow - (reception.received - reception.receivedBefore);
  const fraction = expectedNow > 0 && lostNow > 0 ? Math.min(255, Math.floor((lostNow * 256) / expectedNow)) : 0;
  const lost = Math.max(-0x80_0000, Math.min(0x7f_ffff, expected - reception.received));
  view.setUint32(at, reception.ssrc);
  view.setUint32(at + 4, ((fraction << 24) | (lost & 0xff_ffff)) >>> 0);
  view.setUint32(at + 8, reception.highest >>> 0);
  view.setUint32(at + 12, Math.floor(reception.jitter));
  view.setUint32(at + 16, lastSenderReport?.senderReportNtp ?? 0);
  view.setUint32(
    at + 20,
    lastSenderReport === undefined ? 0 : Math.floor(((nowMs - lastSenderReport.atMs) * 65_536) / 1000),
  );
  return { ...reception, expectedBefore: expected, receivedBefore: reception.received };
}

/** RFC 3550 §4. Any clock will do, if both directions use it. */
function middleNtp(nowMs: number): number {
  return Math.floor((nowMs / 1000) * 65_536) >>> 0;
}
