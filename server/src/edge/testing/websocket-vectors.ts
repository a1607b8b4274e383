// WebSocket conformance cases that apply to a server which reads small texts, numbered as in the published list of
// the Autobahn test suite, groups 1 to 7. Where that list expects an echo of more than a listener may send, the right
// answer here is a refusal.

import { MAX_FRAGMENTS } from "../socket/websocket-reader.ts";

/** Events to read, in order: `text:…`, `binary`, `ping:…`, `pong`, `close:CODE`, `fault:CODE`. */
export interface Vector {
  readonly cases: string;
  readonly sent: Buffer;
  readonly heard: readonly string[];
}

interface FrameOptions {
  readonly isFinal?: boolean;
  readonly reserved?: number;
  readonly isMasked?: boolean;
}

const MASK = [0x37, 0xfa, 0x21, 0x3d];

/** One client frame. */
export function frame(opcode: number, payload: string | Buffer = "", options: FrameOptions = {}): Buffer {
  const { isFinal = true, reserved = 0, isMasked = true } = options;
  const bytes = Buffer.from(payload);
  const head = [(isFinal ? 0x80 : 0) | (reserved << 4) | opcode];
  const masked = isMasked ? 0x80 : 0;
  if (bytes.length < 126) head.push(masked | bytes.length);
  else if (bytes.length < 65_536) head.push(masked | 126, bytes.length >> 8, bytes.length & 255);
  else head.push(masked | 127, 0, 0, 0, 0, ...Buffer.from(Uint32Array.of(bytes.length).buffer).reverse());
  if (!isMasked) return Buffer.concat([Buffer.from(head), bytes]);
  return Buffer.concat([Buffer.from([...head, ...MASK]), bytes.map((byte, i) => byte ^ (MASK[i & 3] as number))]);
}

export function closing(code: number, reason: string | Buffer = ""): Buffer {
  return frame(8, Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]));
}

/** A message with one frame for each part. */
export function inFrames(parts: readonly (string | Buffer)[], opcode = 1): Buffer[] {
  return parts.map((part, i) => frame(i === 0 ? opcode : 0, part, { isFinal: i === parts.length - 1 }));
}

const unfinished = (text: string, opcode = 1) => frame(opcode, text, { isFinal: false });
const MIXED = "Hello-µ@ßöäüàá-UTF-8!!";
const GREEK = "κόσμε";
const bytewise = (text: string | Buffer) => Array.from(Buffer.from(text), (byte) => Buffer.from([byte]));

function vector(cases: string, sent: Buffer | readonly Buffer[], ...heard: string[]): Vector {
  return { cases, sent: Array.isArray(sent) ? Buffer.concat(sent) : (sent as Buffer), heard };
}

const FRAMING: readonly Vector[] = [
  vector("1.1.1", frame(1), "text:"),
  ...[125, 126, 127, 128].map((n, i) => vector(`1.1.${i + 2}`, frame(1, "*".repeat(n)), `text:${"*".repeat(n)}`)),
  ...[65_535, 65_536].map((n, i) => vector(`1.1.${i + 6}`, frame(1, "*".repeat(n)), "fault:4413")),
  ...[0, 125, 126, 127, 128].map((n, i) => vector(`1.2.${i + 1}`, frame(2, Buffer.alloc(n, 254)), "binary")),
  ...[65_535, 65_536].map((n, i) => vector(`1.2.${i + 6}`, frame(2, Buffer.alloc(n, 254)), "fault:4413")),
  vector("1 the most", frame(1, "*".repeat(1_024)), `text:${"*".repeat(1_024)}`),
  vector("1 one more", frame(1, "*".repeat(1_025)), "fault:4413"),
  vector("1 one more, in frames", inFrames(["*".repeat(1_000), "*".repeat(25)]), "fault:4413"),
  vector("5.2 unmasked", frame(1, "a", { isMasked: false }), "fault:1002"),
  vector("5.2 a long length", Buffer.from([0x81, 0xfe, 0, 5, 0, 0, 0, 0, 1, 2, 3, 4, 5]), "fault:1002"),
  vector("5.2 a longer length", Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0, 1, 0]), "fault:1002"),
  vector("5.2 the sign of a length", Buffer.from([0x81, 0xff, 128, 0, 0, 0, 0, 1, 0, 0]), "fault:1002"),
];

const CONTROL: readonly Vector[] = [
  vector("2.1", frame(9), "ping:"),
  vector("2.2", frame(9, "Hello, world!"), "ping:Hello, world!"),
  vector("2.3", frame(9, Buffer.from([0, 255, 254, 253, 252, 251, 0, 255])), "ping:00fffefdfcfb00ff"),
  vector("2.4 2.6", frame(9, "*".repeat(125)), `ping:${"*".repeat(125)}`),
  vector("2.5", frame(9, "*".repeat(126)), "fault:1002"),
  vector("2.7 2.8", [frame(10), frame(10, "unsolicited")], "pong", "pong"),
  vector("2.9", [frame(10, "unsolicited"), frame(9, "ping")], "pong", "ping:ping"),
  vector(
    "2.10 2.11",
    Array.from({ length: 10 }, (_, i) => frame(9, `payload-${i}`)),
    ...Array.from({ length: 10 }, (_, i) => `ping:payload-${i}`),
  ),
  vector("3.1", frame(1, "Hello", { reserved: 1 }), "fault:1002"),
  ...[2, 3, 4].map((reserved, i) =>
    vector(`3.${i + 2}`, [frame(1, "Hello"), frame(1, "Hello", { reserved }), frame(9)], "text:Hello", "fault:1002"),
  ),
  vector("3.5", frame(2, Buffer.alloc(8), { reserved: 5 }), "fault:1002"),
  vector("3.6", frame(9, "Hello", { reserved: 6 }), "fault:1002"),
  vector("3.7", frame(8, "", { reserved: 7 }), "fault:1002"),
  ...[3, 4, 5, 6, 7].map((opcode, i) => vector(`4.1.${i + 1}`, frame(opcode, "x"), "fault:1002")),
  ...[11, 12, 13, 14, 15].map((opcode, i) =>
    vector(`4.2.${i + 1}`, [frame(1, "before"), frame(opcode), frame(9)], "text:before", "fault:1002"),
  ),
];

const FRAGMENTS: readonly Vector[] = [
  vector("5.1", [frame(9, "a", { isFinal: false }), frame(0, "b")], "fault:1002"),
  vector("5.2", [frame(10, "a", { isFinal: false }), frame(0, "b")], "fault:1002"),
  vector("5.3 5.4 5.5", inFrames(["fragment1", "fragment2"]), "text:fragment1fragment2"),
  vector("5.6 5.7 5.8", [unfinished("1"), frame(9, "ping"), frame(0, "2")], "ping:ping", "text:12"),
  vector("5.9 5.10 5.11", [frame(0, "non-continuation"), frame(1, "Hello")], "fault:1002"),
  vector("5.12 5.13 5.14", [unfinished("non-continuation", 0), frame(1, "Hello")], "fault:1002"),
  vector("5.15", [...inFrames(["1", "2"]), unfinished("3", 0), frame(1, "4")], "text:12", "fault:1002"),
  vector("5.16 5.17", [unfinished("1", 0), frame(1, "2"), frame(0, "3")], "fault:1002"),
  vector("5.18", [unfinished("fragment1"), frame(1, "fragment2")], "fault:1002"),
  vector(
    "5.19 5.20",
    [
      unfinished("1"),
      unfinished("2", 0),
      frame(9, "a"),
      unfinished("3", 0),
      unfinished("4", 0),
      frame(9, "b"),
      frame(0, "5"),
    ],
    "ping:a",
    "ping:b",
    "text:12345",
  ),
  vector(`${MAX_FRAGMENTS} frames`, inFrames(new Array(MAX_FRAGMENTS).fill("x")), `text:${"x".repeat(MAX_FRAGMENTS)}`),
  vector("one more frame", inFrames(new Array(MAX_FRAGMENTS + 1).fill("x")), "fault:4402"),
  vector("one more empty frame", inFrames(new Array(MAX_FRAGMENTS + 1).fill("")), "fault:4402"),
];

const invalid = (...bytes: number[]) => Buffer.from(bytes);
const NOT_UTF8: readonly (readonly [string, Buffer])[] = [
  ["6.3.1", Buffer.concat([Buffer.from(GREEK), invalid(0xed, 0xa0, 0x80), Buffer.from("edited")])],
  ["6.4.1", Buffer.concat([Buffer.from(GREEK), invalid(0xf4, 0x90, 0x80, 0x80), Buffer.from("edited")])],
  ["6.6.1", invalid(0xce)],
  ["6.6.6", Buffer.from(GREEK).subarray(0, 7)],
  ["6.8.1", invalid(0xf8, 0x88, 0x80, 0x80, 0x80)],
  ["6.8.2", invalid(0xfc, 0x84, 0x80, 0x80, 0x80, 0x80)],
  ["6.10.2", invalid(0xf7, 0xbf, 0xbf, 0xbf)],
  ["6.11.5", invalid(0xf4, 0x90, 0x80, 0x80)],
  ["6.12.1", invalid(0x80)],
  ["6.12.2", invalid(0xbf)],
  ["6.12.8", Buffer.from(Array.from({ length: 64 }, (_, i) => 0x80 + i))],
  ["6.13.1", invalid(0xc0, 0x20, 0xc1, 0x20)],
  ["6.13.2", invalid(0xe0, 0x20, 0xef, 0x20)],
  ["6.14.1", invalid(0xc0)],
  ["6.14.3", invalid(0xf0, 0x80, 0x80)],
  ["6.15.1", invalid(0xc0, 0xe0, 0x80, 0xf0, 0x80, 0x80)],
  ["6.16.1", invalid(0xfe)],
  ["6.16.2", invalid(0xff)],
  ["6.17.1", invalid(0xc0, 0xaf)],
  ["6.17.2", invalid(0xe0, 0x80, 0xaf)],
  ["6.18.1", invalid(0xc1, 0xbf)],
  ["6.18.3", invalid(0xf0, 0x8f, 0xbf, 0xbf)],
  ["6.19.1", invalid(0xc0, 0x80)],
  ["6.20.1", invalid(0xed, 0xa0, 0x80)],
  ["6.20.7", invalid(0xed, 0xbf, 0xbf)],
  ["6.21.1", invalid(0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80)],
];
const UTF8: readonly (readonly [string, string])[] = [
  ["6.2.1", MIXED],
  ["6.5.1", GREEK],
  ["6.7.1", "\u0000"],
  ["6.7.4", "\u{10000}"],
  ["6.9.1", "\u007f"],
  ["6.9.3", "\uffff"],
  ["6.9.4", "\u{10ffff}"],
  ["6.11.1", "\ud7ff"],
  ["6.11.3", "\ufffd"],
  ["6.22.1", "\ufffe"],
  ["6.23.1", "\ufeff"],
];

const TEXT: readonly Vector[] = [
  vector("6.1.2", inFrames(["", "", ""]), "text:"),
  vector("6.1.3", inFrames(["", "middle frame payload", ""]), "text:middle frame payload"),
  vector("6.2.2", inFrames(["Hello-µ@ßöä", "üàá-UTF-8!!"]), `text:${MIXED}`),
  vector("6.2.3", inFrames(bytewise(MIXED)), "fault:4402"),
  vector("6.2.4", inFrames(bytewise(GREEK)), `text:${GREEK}`),
  ...UTF8.map(([cases, text]) => vector(cases, frame(1, text), `text:${text}`)),
  ...NOT_UTF8.map(([cases, bytes]) => vector(cases, frame(1, bytes), "fault:1007")),
];

const CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
const NO_CODES = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];
const CLOSING: readonly Vector[] = [
  vector("7.3.1", frame(8), "close:1005"),
  vector("7.3.2", frame(8, "a"), "fault:1002"),
  vector("7.3.3", closing(1000), "close:1000"),
  vector("7.3.4", closing(1000, "Hello World!"), "close:1000"),
  vector("7.3.5", closing(1000, "*".repeat(123)), "close:1000"),
  vector("7.3.6", closing(1000, "*".repeat(124)), "fault:1002"),
  vector("7.5.1", closing(1000, NOT_UTF8[0]?.[1] ?? ""), "fault:1007"),
  ...CODES.map((code, i) => vector(`7.7.${i + 1}`, closing(code), `close:${code}`)),
  ...NO_CODES.map((code) => vector(`7.9 7.13, ${code}`, closing(code), "fault:1002")),
];

export const VECTORS: readonly Vector[] = [...FRAMING, ...CONTROL, ...FRAGMENTS, ...TEXT, ...CLOSING];
