// Owns this page's seat on the stage: one peer at a time, taken again by itself after every loss, until it is left.
// Refuses to know what is shown and who may sit; the stage decides. WHIP (RFC 9725) with the stage's data channel.

import { type Clock, sleep, type Timer } from "@hustings/flow/clock.ts";
import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import { type ErrorCode, Refusal, refusalFromBody } from "@hustings/wire/errors.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import { CHANNEL_LABEL, type SpeakerMessage, type StageMessage } from "@hustings/wire/stage/data-channel.ts";

/** What a speaker is told: connecting (first time), seated, back soon, or over and why. */
export type SeatPhase =
  | { readonly kind: "connecting" }
  | { readonly kind: "seated" }
  | { readonly kind: "reconnecting"; readonly sinceMs: number }
  | { readonly kind: "over"; readonly why: "left" | "removed" | "ended" | "replaced" | ErrorCode };

export interface SeatOptions {
  /** Addresses of the space's WHIP endpoint, the one to try first in front. */
  readonly whipUrls: readonly string[];
  readonly ticket: () => Promise<string>;
  readonly microphone: MediaStream;
  readonly clock: Clock;
  readonly onPhase: (phase: SeatPhase) => void;
  readonly onDown: (message: StageMessage) => void;
  /** The others' voices; a new stream for each peer. */
  readonly onSound: (sound: MediaStream) => void;
}

export interface StageSeat {
  /** Resolves with `seq` once the stage has it on disk. Throws the stage's Refusal, or "stage-away" while reconnecting. */
  command(command: Command): Promise<number>;
  /** Takes the seat anew at once, for a changed network or microphone. */
  reconnect(): void;
  replaceMicrophone(microphone: MediaStream): Promise<void>;
  /** Closes the page's side; the seat is kept for a minute unless the command "leave" went before. */
  close(): void;
}

const RECONNECT_RETRY: RetryPolicy = { firstMs: 250, capMs: 4_000, tries: Infinity };
const OFFER_DEADLINE_MS = 4_000;
const CONNECT_DEADLINE_MS = 6_000;
/** Without a word from the stage for this long, the way is taken to be dead: levels come five times a second. */
const SILENCE_MS = 1_500;
const COMMAND_DEADLINE_MS = 5_000;
/** These answers do not change by asking again. */
const FINAL_ERRORS: ReadonlySet<ErrorCode> = new Set([
  "no-space",
  "ended",
  "not-invited",
  "removed",
  "ticket-invalid",
  "ticket-revoked",
  "wrong-space",
  "stage-full",
  "bad-sdp",
]);

interface StageConnection {
  readonly peer: RTCPeerConnection;
  readonly channel: RTCDataChannel;
}

export function takeSeat(options: SeatOptions): StageSeat {
  const { clock, onPhase } = options;
  const waiting = new Map<number, PromiseWithResolvers<number>>();
  const stopped = new AbortController();
  let microphone = options.microphone;
  let way: StageConnection | undefined;
  let watchdog: Timer | undefined;
  let nextId = 1;
  let lost = Promise.withResolvers<void>();
  /** Which address answered last; it is the first to be tried again. */
  let urlAt = 0;
  /** Told by the stage with its answer: for the next way, should this one not come about. */
  let iceServers: readonly RTCIceServer[] = [];

  function heard(message: StageMessage): void {
    watchdog?.cancel();
    watchdog = clock.after(SILENCE_MS, () => lost.resolve());
    if (message.kind === "done") settle(message.id, (one) => one.resolve(message.seq));
    if (message.kind === "refused")
      settle(message.id, (one) => one.reject(new Refusal(message.error, message.message)));
    options.onDown(message);
    if (message.kind === "bye") over(message.why);
  }

  function settle(id: number, how: (one: PromiseWithResolvers<number>) => void): void {
    const one = waiting.get(id);
    waiting.delete(id);
    if (one) how(one);
  }

  function over(why: (SeatPhase & { kind: "over" })["why"]): void {
    if (stopped.signal.aborted) return;
    stopped.abort();
    drop();
    onPhase({ kind: "over", why });
  }

  function drop(): void {
    watchdog?.cancel();
    way?.channel.close();
    way?.peer.close();
    way = undefined;
    for (const id of [...waiting.keys()]) settle(id, (one) => one.reject(new Refusal("stage-away")));
  }

  async function keep(): Promise<void> {
    onPhase({ kind: "connecting" });
    for (let attempt = 0; !stopped.signal.aborted; attempt++) {
      lost = Promise.withResolvers();
      try {
        const at = (urlAt + attempt) % options.whipUrls.length;
        const url = options.whipUrls[at] as string;
        const opened = await openConnection(url, await options.ticket(), microphone, {
          ...options,
          heard,
          lost: lost.resolve,
          iceServers,
          onIceServers: (told) => {
            iceServers = told;
          },
        });
        if (stopped.signal.aborted) return closeConnection(opened);
        way = opened;
        urlAt = at;
        attempt = -1;
        onPhase({ kind: "seated" });
        await lost.promise;
        drop();
      } catch (error) {
        if (error instanceof Refusal && FINAL_ERRORS.has(error.code)) return over(error.code);
      }
      if (stopped.signal.aborted) return;
      if (attempt === -1) onPhase({ kind: "reconnecting", sinceMs: clock.monotonicMs() });
      else
        await sleep(clock, retryDelayMs(RECONNECT_RETRY, attempt, Math.random) as number, stopped.signal).catch(
          () => {},
        );
    }
  }

  void keep();

  return {
    command(command) {
      if (way?.channel.readyState !== "open")
        return Promise.reject(new Refusal("stage-away", "The stage is out of reach just now; reconnecting."));
      const answer = Promise.withResolvers<number>();
      const id = nextId++;
      waiting.set(id, answer);
      clock.after(COMMAND_DEADLINE_MS, () => settle(id, (one) => one.reject(new Refusal("stage-away"))));
      way.channel.send(JSON.stringify({ kind: "command", id, command } satisfies SpeakerMessage));
      return answer.promise;
    },
    reconnect: () => lost.resolve(),
    async replaceMicrophone(next) {
      microphone = next;
      const track = next.getAudioTracks()[0] ?? null;
      await Promise.all((way?.peer.getSenders() ?? []).map((sender) => sender.replaceTrack(track)));
    },
    close() {
      stopped.abort();
      drop();
    },
  };
}

interface ConnectionOptions {
  readonly clock: Clock;
  readonly heard: (message: StageMessage) => void;
  readonly lost: () => void;
  readonly onSound: (sound: MediaStream) => void;
  readonly iceServers: readonly RTCIceServer[];
  readonly onIceServers: (told: readonly RTCIceServer[]) => void;
}

/** Resolves once the stage's first message is here. */
async function openConnection(
  url: string,
  ticket: string,
  microphone: MediaStream,
  options: ConnectionOptions,
): Promise<StageConnection> {
  const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: [...options.iceServers] });
  const channel = peer.createDataChannel(CHANNEL_LABEL, { ordered: true });
  const greeted = Promise.withResolvers<void>();
  const deadline = options.clock.after(CONNECT_DEADLINE_MS, () => greeted.reject(new Refusal("stage-away")));
  channel.onmessage = ({ data }) => {
    options.heard(JSON.parse(String(data)) as StageMessage);
    greeted.resolve();
  };
  channel.onclose = options.lost;
  peer.onconnectionstatechange = () => {
    if (peer.connectionState === "failed" || peer.connectionState === "closed") options.lost();
  };
  peer.ontrack = ({ track, streams }) => options.onSound(streams[0] ?? new MediaStream([track]));
  try {
    offerSound(peer, microphone);
    await peer.setLocalDescription();
    await gathered(peer, options.clock);
    const { sdp, links } = await whip(url, ticket, peer.localDescription?.sdp ?? "");
    options.onIceServers(parseIceServers(links));
    await peer.setRemoteDescription({ type: "answer", sdp });
    await greeted.promise;
    return { peer, channel };
  } catch (error) {
    closeConnection({ peer, channel });
    throw error;
  } finally {
    deadline.cancel();
  }
}

function closeConnection({ peer, channel }: StageConnection): void {
  channel.onclose = null;
  peer.onconnectionstatechange = null;
  channel.close();
  peer.close();
}

/** RED in front: Chromium then sends every packet twice, which survives single losses. */
function offerSound(peer: RTCPeerConnection, microphone: MediaStream): void {
  const track = microphone.getAudioTracks()[0];
  const transceiver = peer.addTransceiver(track ?? "audio", { direction: "sendrecv", streams: [microphone] });
  const codecs = RTCRtpReceiver.getCapabilities?.("audio")?.codecs ?? [];
  const red = codecs.filter((codec) => codec.mimeType.toLowerCase() === "audio/red");
  const opus = codecs.filter((codec) => codec.mimeType.toLowerCase() === "audio/opus");
  if (opus.length > 0 && transceiver.setCodecPreferences) transceiver.setCodecPreferences([...red, ...opus]);
}

/** Candidates do not trickle; half a second is plenty for those of this machine. */
function gathered(peer: RTCPeerConnection, clock: Clock): Promise<void> {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    const timer = clock.after(500, resolve);
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState !== "complete") return;
      timer.cancel();
      resolve();
    });
  });
}

async function whip(
  url: string,
  ticket: string,
  offer: string,
): Promise<{ readonly sdp: string; readonly links: string }> {
  const headers = { "content-type": "application/sdp", authorization: `Bearer ${ticket}` };
  const init = { method: "POST", headers, body: offer, signal: AbortSignal.timeout(OFFER_DEADLINE_MS) };
  const response = await fetch(url, init).catch((cause: unknown) => {
    throw new Refusal("stage-away", "The stage does not answer just now.", { cause });
  });
  const text = await response.text();
  if (response.status === 201) return { sdp: text, links: response.headers.get("link") ?? "" };
  throw refusalFromBody(text) ?? new Refusal("internal", `The server answered with ${response.status}.`);
}

/** The ICE servers of a Link header (RFC 9725 §4.6); other links are passed over. */
export function parseIceServers(links: string): RTCIceServer[] {
  return links.split(/,\s*(?=<)/).flatMap((link) => {
    const urls = /^\s*<((?:stun|turns?):[^>]+)>/.exec(link)?.[1];
    if (urls === undefined || wordOf(link, "rel") !== "ice-server") return [];
    const [username, credential] = [wordOf(link, "username"), wordOf(link, "credential")];
    return [username === undefined || credential === undefined ? { urls } : { urls, username, credential }];
  });
}

function wordOf(link: string, name: string): string | undefined {
  return new RegExp(`;\\s*${name}="([^"]*)"`).exec(link)?.[1];
}
