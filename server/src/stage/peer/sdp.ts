// Reads an SDP offer into checked values, and writes SDP only from those. Pure.

import { Refusal } from "@hustings/wire/errors.ts";

const MAX_OFFER_BYTES = 65_536;
const MAX_LINES = 1_200;
const MAX_LINE_CHARS = 1_024;
const MAX_SECTIONS = 8;
const AUDIO_LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

export const MAX_MESSAGE_BYTES = 16_384;

/** `sections` keeps the offer's order, which the answer must have. */
export interface Offer {
  readonly sections: readonly OfferSection[];
  readonly audio: OfferAudio;
  /** Absent: no data channel is offered. */
  readonly dataMid: string | undefined;
  /** Accepted `mid`s in the order of the BUNDLE group, the first of which carries all; empty: not bundled. */
  readonly bundle: readonly string[];
  readonly iceUfrag: string;
  readonly icePwd: string;
  readonly fingerprint: { readonly algorithm: string; readonly value: string };
  /** `active`: the speaker insists on being the DTLS client. */
  readonly setup: "actpass" | "active" | "passive";
}

export interface OfferSection {
  /** `transport`: unwanted, but it carries the audio, which has no transport of its own. */
  readonly use: "audio" | "data" | "transport" | "refused";
  /** Fields of the `m=` line that an unwanted section repeats. */
  readonly media: string;
  readonly protocol: string;
  readonly format: string;
  readonly mid: string | undefined;
  /** Of a `transport` section. */
  readonly formatLines: readonly string[];
}

export interface OfferAudio {
  readonly mid: string;
  readonly direction: "sendrecv" | "sendonly";
  readonly opusPayloadType: number;
  /** RFC 2198 over that Opus; absent: not offered. */
  readonly redPayloadType: number | undefined;
  /** RFC 6464, 1-14; absent: not offered. */
  readonly audioLevelExtensionId: number | undefined;
}

export interface AnswerParts {
  /** Digits; differs between answers (RFC 8866 §5.2). */
  readonly sessionId: string;
  readonly iceUfrag: string;
  readonly icePwd: string;
  readonly fingerprint: { readonly algorithm: string; readonly value: string };
  readonly setup: "active" | "passive";
  readonly candidates: readonly Candidate[];
  readonly ssrc: number;
}

export interface Candidate {
  readonly address: string;
  readonly port: number;
  readonly type: "host" | "srflx" | "relay";
  readonly priority: number;
}

/**
 * RFC 8866, RFC 9429, RFC 9725: exactly one sending Opus section, at most one data channel; others are refused. Ignores
 * candidates: the stage sends only to addresses that it has received from. Throws `Refusal` "too-large" or "bad-sdp"
 * with the fault.
 */
export function readOffer(text: string): Offer {
  const sections = splitSections(text);
  const session = sections.shift() ?? [];
  if (sections.length === 0) throw bad("it has no m= section");
  if (sections.length > MAX_SECTIONS)
    throw bad(`it has ${sections.length} sections, at most ${MAX_SECTIONS} are allowed`);
  const heads = sections.map((lines) => ({ ...readMediaLine(lines[0] ?? ""), lines, mid: readMid(lines) }));
  const audios = heads.filter((head) => head.media === "audio" && !isRemoved(head));
  const audio = audios[0];
  if (audio === undefined) throw bad("it has no audio section");
  if (audios.length > 1) throw bad(`it has ${audios.length} audio sections, only one is allowed`);
  if (audio.mid === undefined) throw bad("its audio section has no a=mid");
  const mids = heads.flatMap((head) => head.mid ?? []);
  if (new Set(mids).size !== mids.length) throw bad("two of its sections have the same a=mid");

  const group = (value(session, "group:BUNDLE ") ?? "").split(" ");
  const bundled = group.includes(audio.mid);
  const data = heads.find((head) => isDataChannel(head) && bundled && group.includes(head.mid ?? " "));
  const tagged = bundled ? heads.find((head) => head.mid === group[0]) : undefined;
  const useOf = (head: Section): OfferSection["use"] => {
    if (head === audio) return "audio";
    if (head === data) return "data";
    return head === tagged && !hasOwnTransport(audio, tagged, session) ? "transport" : "refused";
  };
  const accepted = bundled ? heads.filter((head) => useOf(head) !== "refused") : [];
  const bundle = group.filter((mid) => accepted.some((head) => head.mid === mid));
  const carrier = accepted.find((head) => head.mid === bundle[0]) ?? audio;
  const places = [carrier.lines, session, audio.lines, tagged?.lines ?? []];
  return {
    sections: heads.map((head) => {
      const { media, protocol, mid, formats } = head;
      const use = useOf(head);
      const plain = { use, media, protocol, mid, format: formats[0] ?? "0", formatLines: [] };
      return use === "transport" ? { ...plain, ...readCarrierFormat(head) } : plain;
    }),
    audio: readAudio(audio.mid, audio, session),
    dataMid: data?.mid,
    bundle,
    iceUfrag: readToken(places, "ice-ufrag:", /^[A-Za-z0-9+/]{4,256}$/),
    icePwd: readToken(places, "ice-pwd:", /^[A-Za-z0-9+/]{22,256}$/),
    fingerprint: readFingerprint(places),
    setup: readSetup(places),
  };
}

export function writeCleanOffer(offer: Offer): string {
  const { audio } = offer;
  const lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"];
  const used = offer.sections.filter(({ use }) => use === "audio" || use === "data");
  if (offer.bundle.length > 0) lines.push(`a=group:BUNDLE ${used.map(({ mid }) => mid).join(" ")}`);
  for (const section of used) {
    const isAudio = section.use === "audio";
    lines.push(
      isAudio ? audioMediaLine(audio) : "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
      "c=IN IP4 0.0.0.0",
    );
    lines.push(`a=mid:${section.mid}`, ...transportLines(offer), `a=setup:${offer.setup}`);
    lines.push(...(isAudio ? [`a=${audio.direction}`, ...codecLines(audio)] : dataLines()));
  }
  return `${lines.join("\r\n")}\r\n`;
}

/**
 * RED first if offered, because browsers send the first format; mono Opus at 40 kb/s with FEC. All candidates, no
 * trickle.
 */
export function writeAnswer(offer: Offer, parts: AnswerParts): string {
  const lines = ["v=0", `o=- ${parts.sessionId} 1 IN IP4 0.0.0.0`, "s=-", "t=0 0"];
  if (offer.bundle.length > 0) lines.push(`a=group:BUNDLE ${offer.bundle.join(" ")}`);
  for (const section of offer.sections) {
    if (section.use === "audio") lines.push(...answerAudio(offer, parts));
    else if (section.use === "data") lines.push(...answerData(offer, parts));
    else if (section.use === "transport") lines.push(...answerCarrier(section, parts));
    else lines.push(...answerRefused(section));
  }
  return `${lines.join("\r\n")}\r\n`;
}

/** Throws if a part is missing. */
export function readLocalDescription(sdp: string): Omit<AnswerParts, "sessionId" | "ssrc"> {
  const lines = sdp.split(/\r?\n/);
  const [algorithm, fingerprint] = (value(lines, "fingerprint:") ?? "").split(" ");
  const iceUfrag = value(lines, "ice-ufrag:");
  const icePwd = value(lines, "ice-pwd:");
  if (!iceUfrag || !icePwd || !algorithm || !fingerprint) throw new Error("the local description is incomplete");
  return {
    iceUfrag,
    icePwd,
    fingerprint: { algorithm, value: fingerprint },
    setup: value(lines, "setup:") === "passive" ? "passive" : "active",
    candidates: lines.flatMap((line) => readCandidate(line) ?? []),
  };
}

function splitSections(text: string): string[][] {
  if (text.length > MAX_OFFER_BYTES)
    throw new Refusal("too-large", `The offer is larger than ${MAX_OFFER_BYTES} bytes.`);
  if (!text.startsWith("v=0")) throw bad("it does not begin with v=0");
  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  if (lines.length > MAX_LINES) throw bad(`it has ${lines.length} lines, at most ${MAX_LINES} are allowed`);
  const sections: string[][] = [[]];
  for (const line of lines) {
    if (line.length > MAX_LINE_CHARS) throw bad(`a line is longer than ${MAX_LINE_CHARS} characters`);
    if (!/^[a-z]=[^\p{Cc}]*$/u.test(line)) throw bad(`the line ${JSON.stringify(line.slice(0, 40))} is not SDP`);
    if (line.startsWith("m=")) sections.push([]);
    sections.at(-1)?.push(line);
  }
  return sections;
}

interface MediaHead {
  readonly media: string;
  readonly port: number;
  readonly protocol: string;
  readonly formats: readonly string[];
}

interface Section extends MediaHead {
  readonly lines: readonly string[];
}

function readMediaLine(line: string): MediaHead {
  const match = /^m=([a-z]{1,16}) (\d{1,5})(?:\/\d{1,3})? ([A-Z/]{1,32}) ([A-Za-z0-9 -]{1,400})$/.exec(line);
  if (match === null) throw bad(`the line ${JSON.stringify(line.slice(0, 60))} cannot be read`);
  const [, media = "", port = "0", protocol = "", formats = ""] = match;
  return { media, port: Number(port), protocol, formats: formats.split(" ").filter((format) => format !== "") };
}

function readMid(lines: readonly string[]): string | undefined {
  const mid = value(lines, "mid:");
  if (mid !== undefined && !/^[A-Za-z0-9._-]{1,32}$/.test(mid)) throw bad(`a=mid:${mid.slice(0, 40)} is not a token`);
  return mid;
}

/**
 * RFC 9429 (max-bundle) gives a transport to the first section only, Chromium the same one to all. A browser refuses an
 * answer without the section of its transport (RFC 9143 §7.3.1).
 */
function hasOwnTransport(head: Section, tagged: Section, session: readonly string[]): boolean {
  const [own, other] = [head, tagged].map(({ lines }) => value(lines, "ice-ufrag:") ?? value(session, "ice-ufrag:"));
  return head.port !== 0 && own !== undefined && own !== other;
}

function isRemoved(head: Section): boolean {
  return head.port === 0 && !head.lines.includes("a=bundle-only");
}

function isDataChannel(head: Section): boolean {
  const isSctp = head.protocol === "UDP/DTLS/SCTP" && head.formats[0] === "webrtc-datachannel";
  return head.media === "application" && isSctp && !isRemoved(head);
}

function readAudio(mid: string, head: Section, session: readonly string[]): OfferAudio {
  if (!/^UDP\/TLS\/RTP\/SAVPF?$/.test(head.protocol)) throw bad(`its audio is ${head.protocol}, not UDP/TLS/RTP/SAVPF`);
  if (!head.lines.includes("a=rtcp-mux")) throw bad("its audio section has no a=rtcp-mux");
  const direction = readDirection(head.lines) ?? readDirection(session) ?? "sendrecv";
  if (direction !== "sendrecv" && direction !== "sendonly") throw bad(`its audio is ${direction}: it has to send`);
  const opusPayloadType = readPayloadTypes(head, /^opus\/48000\/2$/i)[0];
  if (opusPayloadType === undefined) throw bad("its audio section does not offer opus/48000/2");
  const redFormat = new RegExp(`^${opusPayloadType}(/${opusPayloadType})+$`);
  const redPayloadType = readPayloadTypes(head, /^red\/48000\/2$/i).find((type) =>
    redFormat.test(value(head.lines, `fmtp:${type} `) ?? ""),
  );
  const audioLevelExtensionId = readAudioLevelId(head.lines);
  return { mid, direction, opusPayloadType, redPayloadType, audioLevelExtensionId };
}

function readDirection(lines: readonly string[]): string | undefined {
  return lines.find((line) => /^a=(sendrecv|sendonly|recvonly|inactive)$/.test(line))?.slice(2);
}

/** A format for a section that carries no sound. */
function readCarrierFormat(head: Section): Pick<OfferSection, "format" | "formatLines"> {
  const isRtp = /^UDP\/TLS\/RTP\/SAVPF?$/.test(head.protocol) && head.lines.includes("a=rtcp-mux");
  for (const format of isRtp ? head.formats : []) {
    const codec = value(head.lines, `rtpmap:${format} `);
    const parameters = value(head.lines, `fmtp:${format} `);
    if (codec === undefined || !/^[A-Za-z0-9._-]{1,32}\/\d{1,6}(?:\/\d)?$/.test(codec)) continue;
    if (parameters !== undefined && !/^[A-Za-z0-9=;/ ._-]{1,200}$/.test(parameters)) continue;
    const fmtp = parameters === undefined ? [] : [`a=fmtp:${format} ${parameters}`];
    return { format, formatLines: ["a=rtcp-mux", `a=rtpmap:${format} ${codec}`, ...fmtp] };
  }
  throw bad(`its audio has no transport of its own, and that of the ${head.media} section cannot be used`);
}

/** In the `m=` line's order; 64-95 would read as RTCP (RFC 5761 §4). */
function readPayloadTypes(head: Section, codec: RegExp): number[] {
  return head.formats
    .filter((format) => /^\d{1,3}$/.test(format) && codec.test(value(head.lines, `rtpmap:${format} `) ?? ""))
    .map(Number)
    .filter((type) => type <= 127 && (type < 64 || type > 95));
}

function readAudioLevelId(lines: readonly string[]): number | undefined {
  for (const line of lines) {
    const match = /^a=extmap:(\d{1,2})(?:\/(?:sendrecv|sendonly))? (\S+)/.exec(line);
    const id = Number(match?.[1]);
    if (match?.[2] === AUDIO_LEVEL_URI && id >= 1 && id <= 14) return id;
  }
  return undefined;
}

function readToken(places: readonly (readonly string[])[], name: string, grammar: RegExp): string {
  const token = places.map((lines) => value(lines, name)).find((found) => found !== undefined);
  if (token === undefined) throw bad(`it has no a=${name.slice(0, -1)}`);
  if (!grammar.test(token)) throw bad(`its a=${name.slice(0, -1)} is malformed`);
  return token;
}

function readFingerprint(places: readonly (readonly string[])[]): Offer["fingerprint"] {
  const pairs: Readonly<Record<string, number>> = { "sha-256": 32, "sha-384": 48, "sha-512": 64 };
  for (const line of places.flat()) {
    const match = /^a=fingerprint:(sha-\d{3}) ((?:[0-9A-F]{2}:)+[0-9A-F]{2})$/i.exec(line);
    const algorithm = match?.[1]?.toLowerCase() ?? "";
    const digest = match?.[2]?.toUpperCase() ?? "";
    if (digest !== "" && digest.length === (pairs[algorithm] ?? 0) * 3 - 1) return { algorithm, value: digest };
  }
  throw bad("it has no a=fingerprint of sha-256, sha-384 or sha-512");
}

function readSetup(places: readonly (readonly string[])[]): Offer["setup"] {
  const setup = places.map((lines) => value(lines, "setup:")).find((found) => found !== undefined) ?? "actpass";
  if (setup !== "actpass" && setup !== "active" && setup !== "passive") throw bad("its a=setup cannot be answered");
  return setup;
}

function readCandidate(line: string): Candidate | undefined {
  const match = /^a=candidate:\S+ 1 UDP (\d+) ([0-9A-Fa-f.:]+) (\d+) typ (host|srflx|relay)/i.exec(line);
  if (match === null) return undefined;
  const [, priority, address = "", port, type] = match;
  return { address, port: Number(port), priority: Number(priority), type: type as Candidate["type"] };
}

function answerAudio(offer: Offer, parts: AnswerParts): string[] {
  const { audio } = offer;
  const lines = [audioMediaLine(audio), "c=IN IP4 0.0.0.0", `a=mid:${audio.mid}`, ...answerTransport(parts)];
  if (audio.audioLevelExtensionId !== undefined)
    lines.push(`a=extmap:${audio.audioLevelExtensionId} ${AUDIO_LEVEL_URI}`);
  if (audio.direction === "sendonly") return [...lines, "a=recvonly", ...codecLines(audio)];
  lines.push("a=sendrecv", "a=msid:hustings mix", ...codecLines(audio), `a=ssrc:${parts.ssrc} cname:hustings`);
  return lines;
}

function answerData(offer: Offer, parts: AnswerParts): string[] {
  const head = ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", `a=mid:${offer.dataMid}`];
  return [...head, ...answerTransport(parts), ...dataLines()];
}

function answerCarrier(section: OfferSection, parts: AnswerParts): string[] {
  const { media, protocol, format, mid, formatLines } = section;
  const head = [`m=${media} 9 ${protocol} ${format}`, "c=IN IP4 0.0.0.0", `a=mid:${mid}`];
  return [...head, ...answerTransport(parts), "a=inactive", ...formatLines];
}

function answerRefused(section: OfferSection): string[] {
  const lines = [`m=${section.media} 0 ${section.protocol} ${section.format}`, "c=IN IP4 0.0.0.0", "a=inactive"];
  return section.mid === undefined ? lines : [...lines, `a=mid:${section.mid}`];
}

function answerTransport(parts: AnswerParts): string[] {
  const candidates = parts.candidates.map((candidate, index) => {
    const related = candidate.type === "host" ? "" : " raddr 0.0.0.0 rport 0";
    const { priority, address, port, type } = candidate;
    return `a=candidate:${index + 1} 1 udp ${priority} ${address} ${port} typ ${type}${related}`;
  });
  return [...transportLines(parts), `a=setup:${parts.setup}`, ...candidates, "a=end-of-candidates"];
}

function transportLines(of: Pick<Offer, "iceUfrag" | "icePwd" | "fingerprint">): string[] {
  const fingerprint = `a=fingerprint:${of.fingerprint.algorithm} ${of.fingerprint.value}`;
  return [`a=ice-ufrag:${of.iceUfrag}`, `a=ice-pwd:${of.icePwd}`, fingerprint];
}

function audioMediaLine(audio: OfferAudio): string {
  const formats = audio.redPayloadType === undefined ? [] : [audio.redPayloadType];
  return `m=audio 9 UDP/TLS/RTP/SAVPF ${[...formats, audio.opusPayloadType].join(" ")}`;
}

function codecLines(audio: OfferAudio): string[] {
  const { opusPayloadType: opus, redPayloadType: red } = audio;
  const redLines = red === undefined ? [] : [`a=rtpmap:${red} red/48000/2`, `a=fmtp:${red} ${opus}/${opus}`];
  const fmtp = `a=fmtp:${opus} minptime=10;useinbandfec=1;stereo=0;maxaveragebitrate=40000`;
  return ["a=rtcp-mux", ...redLines, `a=rtpmap:${opus} opus/48000/2`, fmtp, "a=ptime:20"];
}

function dataLines(): string[] {
  return ["a=sctp-port:5000", `a=max-message-size:${MAX_MESSAGE_BYTES}`];
}

function value(lines: readonly string[], name: string): string | undefined {
  const prefix = `a=${name}`;
  return lines.find((line) => line.startsWith(prefix))?.slice(prefix.length);
}

function bad(what: string): Refusal {
  return new Refusal("bad-sdp", `The offer cannot be used: ${what}.`);
}
