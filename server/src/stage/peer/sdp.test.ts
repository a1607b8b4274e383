import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal } from "@hustings/wire/errors.ts";
import fc from "fast-check";
import { type AnswerParts, readLocalDescription, readOffer, writeAnswer, writeCleanOffer } from "./sdp.ts";

const FINGERPRINT = Array.from({ length: 32 }, (_, at) => (at * 7).toString(16).padStart(2, "0").toUpperCase()).join(
  ":",
);
const TRANSPORT = [
  "a=ice-ufrag:uF/+",
  "a=ice-pwd:abcdefghijklmnopqrstuvwx",
  `a=fingerprint:sha-256 ${FINGERPRINT}`,
  "a=setup:actpass",
];
const HEAD = ["v=0", "o=- 46117 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1"];
const AUDIO = [
  "m=audio 54321 UDP/TLS/RTP/SAVPF 63 111 9 0 126",
  "c=IN IP4 192.0.2.7",
  "a=candidate:1 1 udp 2113937151 6f0ff1.local 54321 typ host generation 0",
  ...TRANSPORT,
  "a=mid:0",
  "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
  "a=sendrecv",
  "a=rtcp-mux",
  "a=rtpmap:63 red/48000/2",
  "a=fmtp:63 111/111",
  "a=rtpmap:111 opus/48000/2",
  "a=fmtp:111 minptime=10;useinbandfec=1",
  "a=rtpmap:9 G722/8000",
  "a=ssrc:3405691582 cname:somebody",
];
const DATA = ["m=application 54321 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 192.0.2.7", ...TRANSPORT, "a=mid:1"];
const VIDEO = [
  "m=video 9 UDP/TLS/RTP/SAVPF 96",
  "c=IN IP4 0.0.0.0",
  ...TRANSPORT,
  "a=mid:2",
  "a=sendonly",
  "a=rtcp-mux",
];

const lines = (...parts: string[][]): string => `${parts.flat().join("\r\n")}\r\n`;
const BROWSER = lines(HEAD, AUDIO, DATA);
const PARTS: AnswerParts = {
  sessionId: "7",
  iceUfrag: "abcd",
  icePwd: "efghijklmnopqrstuvwxyz",
  fingerprint: { algorithm: "sha-256", value: FINGERPRINT },
  setup: "active",
  candidates: [{ address: "192.0.2.1", port: 8443, type: "host", priority: 5 }],
  ssrc: 99,
};

const without = (text: string, start: string): string =>
  `${text
    .split("\r\n")
    .filter((line) => !line.startsWith(start) && line !== "")
    .join("\r\n")}\r\n`;

test("reads RED, level extension, data channel and credentials from a browser's offer", () => {
  const offer = readOffer(BROWSER);
  assert.deepEqual(offer.audio, {
    mid: "0",
    direction: "sendrecv",
    opusPayloadType: 111,
    redPayloadType: 63,
    audioLevelExtensionId: 1,
  });
  assert.equal(offer.dataMid, "1");
  assert.equal(offer.iceUfrag, "uF/+");
  assert.equal(offer.setup, "actpass");
  assert.deepEqual(offer.fingerprint, { algorithm: "sha-256", value: FINGERPRINT });
});

test("the answer has RED first, both sections in the offer's order and every candidate", () => {
  const answer = writeAnswer(readOffer(BROWSER), PARTS);
  assert.match(
    answer,
    /\r\nm=audio 9 UDP\/TLS\/RTP\/SAVPF 63 111\r\n(?:.*\r\n)*?.*\r\nm=application 9 UDP\/DTLS\/SCTP/,
  );
  assert.match(answer, /\r\na=group:BUNDLE 0 1\r\n/);
  assert.equal(answer.match(/a=candidate:1 1 udp 5 192\.0\.2\.1 8443 typ host\r\n/g)?.length, 2);
  assert.match(answer, /\r\na=sendrecv\r\n/);
});

test("refuses a video section in its place and accepts the audio beside it, which has a transport of its own", () => {
  const video = VIDEO.map((line) => line.replace("uF/+", "other"));
  const offer = readOffer(lines([...HEAD.slice(0, 4), "a=group:BUNDLE 2 0"], video, AUDIO));
  const answer = writeAnswer(offer, PARTS);
  assert.match(
    answer,
    /\r\nm=video 0 UDP\/TLS\/RTP\/SAVPF 96\r\nc=IN IP4 0\.0\.0\.0\r\na=inactive\r\na=mid:2\r\nm=audio 9 /,
  );
  assert.match(answer, /\r\na=group:BUNDLE 0\r\n/);
  assert.equal(writeCleanOffer(offer).includes("video"), false);
});

/** Without the lines that a section has only when it carries itself. */
const bundleOnly = (section: string[]): string[] => [
  ...section.map((line) => line.replace(/^m=audio \d+/, "m=audio 0")).filter((line) => !TRANSPORT.includes(line)),
  "a=bundle-only",
];
const VP8 = ["a=rtpmap:96 VP8/90000", "a=fmtp:96 x-google=1"];

test("keeps a video section that carries the audio, and sends nothing in it", () => {
  const carrier = [...VIDEO.map((line) => line.replace("uF/+", "carrier")), ...VP8];
  const sharing = AUDIO.map((line) => line.replace("uF/+", "carrier"));
  for (const audio of [sharing, bundleOnly(AUDIO), AUDIO.filter((line) => !TRANSPORT.includes(line))]) {
    const offer = readOffer(lines([...HEAD.slice(0, 4), "a=group:BUNDLE 2 0"], carrier, audio));
    assert.equal(offer.iceUfrag, "carrier");
    const [, video = "", sound = ""] = writeAnswer(offer, PARTS).split("m=");
    assert.match(video, /^video 9 UDP\/TLS\/RTP\/SAVPF 96\r\n/);
    for (const line of ["a=inactive", "a=mid:2", "a=ice-ufrag:abcd", "a=rtcp-mux", ...VP8]) {
      assert.ok(video.includes(`${line}\r\n`), line);
    }
    assert.match(sound, /^audio 9 (?:.*\r\n)*a=sendrecv\r\n/);
    assert.match(writeAnswer(offer, PARTS), /\r\na=group:BUNDLE 2 0\r\n/);
    assert.equal(writeCleanOffer(offer).includes("video"), false);
  }
});

test("the answer's BUNDLE group begins with the first accepted section of the offer's, and uses its credentials", () => {
  const data = DATA.map((line) => line.replace("uF/+", "data"));
  const other = VIDEO.map((line) => line.replace("uF/+", "other"));
  const offer = readOffer(lines([...HEAD.slice(0, 4), "a=group:BUNDLE 2 1 0"], AUDIO, data, other));
  assert.equal(offer.iceUfrag, "data");
  assert.match(writeAnswer(offer, PARTS), /\r\na=group:BUNDLE 1 0\r\n/);
});

test("answers a sendonly offer as recvonly, with session-level credentials and without RED", () => {
  const session = [...HEAD.slice(0, 4), ...TRANSPORT, "a=sendonly"];
  const audio = ["m=audio 9 UDP/TLS/RTP/SAVPF 97", "a=mid:a", "a=rtcp-mux", "a=rtpmap:97 OPUS/48000/2"];
  const offer = readOffer(lines(session, audio));
  assert.equal(offer.audio.direction, "sendonly");
  assert.equal(offer.audio.redPayloadType, undefined);
  assert.match(writeAnswer(offer, PARTS), /\r\na=recvonly\r\n/);
  assert.equal(writeAnswer(offer, PARTS).includes("BUNDLE"), false);
});

test("passes on no candidates, addresses or unknown attributes of an offer", () => {
  const clean = writeCleanOffer(readOffer(BROWSER));
  for (const leak of ["candidate", "192.0.2.7", "somebody", "G722", "local"]) assert.equal(clean.includes(leak), false);
});

test("the offer written for the library reads back as the same offer", () => {
  const offer = readOffer(BROWSER);
  const again = readOffer(writeCleanOffer(offer));
  assert.deepEqual({ ...again.audio, audioLevelExtensionId: 1 }, offer.audio);
  assert.deepEqual(
    [again.dataMid, again.iceUfrag, again.icePwd, again.fingerprint],
    [offer.dataMid, offer.iceUfrag, offer.icePwd, offer.fingerprint],
  );
});

const FAULTS: readonly (readonly [what: string, offer: string])[] = [
  ["v=0", ""],
  ["v=0", "hello"],
  ["no m= section", lines(HEAD)],
  ["no audio section", lines(HEAD, DATA)],
  ["no audio section", BROWSER.replace("m=audio 54321", "m=audio 0")],
  ["2 audio sections", lines(HEAD, AUDIO, AUDIO)],
  ["no a=mid", without(BROWSER, "a=mid:0")],
  ["same a=mid", BROWSER.replace("a=mid:1", "a=mid:0")],
  ["not a token", BROWSER.replace("a=mid:0", "a=mid:0 1")],
  ["no a=rtcp-mux", without(BROWSER, "a=rtcp-mux")],
  ["has to send", BROWSER.replace("a=sendrecv", "a=recvonly")],
  ["has to send", BROWSER.replace("a=sendrecv", "a=inactive")],
  ["does not offer opus", without(BROWSER, "a=rtpmap:111")],
  ["does not offer opus", BROWSER.replaceAll("111", "72")],
  ["no a=ice-ufrag", without(BROWSER, "a=ice-ufrag")],
  ["a=ice-ufrag is malformed", BROWSER.replace("a=ice-ufrag:uF/+", "a=ice-ufrag:a b!")],
  ["no a=ice-pwd", without(BROWSER, "a=ice-pwd")],
  ["a=ice-pwd is malformed", BROWSER.replace("a=ice-pwd:", "a=ice-pwd:\u00e9")],
  ["no a=fingerprint", without(BROWSER, "a=fingerprint")],
  ["no a=fingerprint", BROWSER.replaceAll("sha-256", "sha-1")],
  ["cannot be used", lines([...HEAD.slice(0, 4), "a=group:BUNDLE 2 0"], VIDEO, bundleOnly(AUDIO))],
  ["a=setup", BROWSER.replaceAll("actpass", "holdconn")],
  ["not UDP/TLS/RTP/SAVPF", BROWSER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP")],
  ["is not SDP", `${BROWSER}nonsense\r\n`],
  ["is not SDP", BROWSER.replace("s=-", "s=\u0000")],
  ["cannot be read", BROWSER.replace("m=audio 54321", "m=audio -1")],
  ["longer than", BROWSER.replace("s=-", `s=${"x".repeat(2_000)}`)],
  ["9 sections", lines(HEAD, AUDIO, ...Array.from({ length: 8 }, (_, at) => [VIDEO[0] ?? "", `a=mid:v${at}`]))],
  ["lines", `${BROWSER}${"a=x\r\n".repeat(2_000)}`],
];

for (const [what, offer] of FAULTS) {
  test(`refuses an offer with "${what}" (${offer.length} bytes)`, () => {
    assert.throws(
      () => readOffer(offer),
      (error) => error instanceof Refusal && error.code === "bad-sdp" && error.message.includes(what),
    );
  });
}

test("refuses an offer over 64 KiB as too large before parsing it", () => {
  assert.throws(
    () => readOffer("v".repeat(65_537)),
    (error) => error instanceof Refusal && error.code === "too-large",
  );
});

test("ignores RED over another format or with a payload type in the range of RTCP", () => {
  for (const offer of [BROWSER.replace("111/111", "9/9"), BROWSER.replaceAll(/\b63\b/g, "72")]) {
    assert.equal(readOffer(offer).audio.redPayloadType, undefined);
  }
});

test("refuses a data channel outside the bundle and accepts the audio", () => {
  const offer = readOffer(BROWSER.replace("BUNDLE 0 1", "BUNDLE 0"));
  assert.equal(offer.dataMid, undefined);
  assert.match(writeAnswer(offer, PARTS), /\r\nm=application 0 /);
});

test("reads or refuses any bytes, and writes what it read in one grammar", () => {
  const mutation = fc.record({
    at: fc.nat(BROWSER.length),
    drop: fc.nat(60),
    put: fc.oneof(
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.constantFrom(...BROWSER.split("\r\n"), "\r\n", "m="),
    ),
  });
  const mutated = fc
    .array(mutation, { maxLength: 4 })
    .map((edits) =>
      edits.reduce((text, { at, drop, put }) => text.slice(0, at) + put + text.slice(at + drop), BROWSER),
    );
  const grammar = /^(?:[vostc]=[ -~]+|m=[a-z]+ \d+ [A-Z/]+ [A-Za-z0-9 -]+|a=[a-z0-9-]+(?::[ -~]+)?)$/;
  fc.assert(
    fc.property(fc.oneof(mutated, fc.string({ unit: "binary", maxLength: 400 })), (text) => {
      try {
        const offer = readOffer(text);
        const written = writeCleanOffer(offer) + writeAnswer(offer, PARTS);
        for (const line of written.split("\r\n")) assert.ok(line === "" || grammar.test(line), JSON.stringify(line));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
      }
    }),
    { numRuns: 3_000 },
  );
});

test("reads credentials and UDP candidates from the library's description, and throws when it is incomplete", () => {
  const local = readLocalDescription(
    lines(TRANSPORT, [
      "a=candidate:1 1 UDP 2114977791 127.0.0.1 8443 typ host",
      "a=candidate:2 1 UDP 1 198.51.100.4 9 typ srflx raddr 0.0.0.0 rport 0",
      "a=candidate:3 1 TCP 1 127.0.0.1 9 typ host",
    ]),
  );
  assert.deepEqual(
    local.candidates.map((candidate) => candidate.address),
    ["127.0.0.1", "198.51.100.4"],
  );
  assert.throws(() => readLocalDescription("v=0\r\n"));
});
