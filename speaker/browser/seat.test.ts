import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { type ManualClock, manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { EMPTY_STATE } from "@hustings/wire/log/state.ts";
import type { StageMessage } from "@hustings/wire/stage/data-channel.ts";
import { type SeatPhase, type StageSeat, takeSeat } from "./seat.ts";

const URLS = ["https://stage/s", "https://door/s"];
const SNAPSHOT: StageMessage = { kind: "snapshot", state: EMPTY_STATE, seat: 0, utcMs: 0 };

class FakeChannel {
  readyState = "open";
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly sent: string[] = [];
  send(text: string): void {
    this.sent.push(text);
  }
  close(): void {
    this.readyState = "closed";
  }
  say(message: StageMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

class FakePeer {
  static all: FakePeer[] = [];
  readonly channel = new FakeChannel();
  readonly iceGatheringState = "complete";
  connectionState = "new";
  onconnectionstatechange: (() => void) | null = null;
  ontrack: unknown = null;
  readonly localDescription = { sdp: "offer" };
  isClosed = false;
  constructor() {
    FakePeer.all.push(this);
  }
  createDataChannel = () => this.channel;
  addTransceiver = () => ({});
  getSenders = () => [];
  setLocalDescription = async () => undefined;
  setRemoteDescription = async () => undefined;
  close(): void {
    this.isClosed = true;
  }
}

const scope = globalThis as unknown as Record<string, unknown>;
const before = { fetch: scope["fetch"] };
let clock: ManualClock;
let phases: string[];
let asked: string[];
let answer: (url: string) => Response;
let seat: StageSeat;

beforeEach(() => {
  FakePeer.all = [];
  clock = manualClock();
  phases = [];
  asked = [];
  answer = () => new Response("answer", { status: 201 });
  scope["RTCPeerConnection"] = FakePeer;
  scope["RTCRtpReceiver"] = {};
  scope["fetch"] = async (url: string) => {
    asked.push(url);
    return answer(url);
  };
});

afterEach(() => {
  seat.close();
  scope["fetch"] = before.fetch;
  delete scope["RTCPeerConnection"];
  delete scope["RTCRtpReceiver"];
});

const wordOf = (phase: SeatPhase): string => (phase.kind === "over" ? `over: ${phase.why}` : phase.kind);

function sit(): void {
  seat = takeSeat({
    whipUrls: URLS,
    withTicket: (action) => action("ticket"),
    microphone: { getAudioTracks: () => [] } as unknown as MediaStream,
    clock,
    onPhase: (phase) => phases.push(wordOf(phase)),
    onDown: () => undefined,
    onSound: () => undefined,
  });
}

/** Lets all microtasks and immediates run. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
  await new Promise<void>((resolve) => setImmediate(resolve));
}

async function seated(): Promise<FakePeer> {
  await settled();
  const peer = FakePeer.all.at(-1) as FakePeer;
  peer.channel.say(SNAPSHOT);
  await settled();
  return peer;
}

test("reconnects at once after silence and closes the old connection", async () => {
  sit();
  const first = await seated();
  assert.deepEqual(phases, ["connecting", "seated"]);
  clock.advance(1_600);
  await settled();
  assert.equal(first.isClosed, true);
  await seated();
  assert.deepEqual(phases, ["connecting", "seated", "reconnecting", "seated"]);
});

test("tries the door when the stage's own port does not answer", async () => {
  answer = (url) => {
    if (url === URLS[0]) throw new TypeError("refused");
    return new Response("answer", { status: 201 });
  };
  sit();
  await settled();
  clock.advance(300);
  await seated();
  assert.deepEqual(asked, URLS);
  assert.equal(phases.at(-1), "seated");
  seat.reconnect();
  await settled();
  assert.equal(asked.at(-1), URLS[1], "the address that answered last is tried first");
});

test("a final refusal ends the seat and is reported", async () => {
  const body = JSON.stringify({ error: "not-invited", message: "", todo: "" });
  answer = () => new Response(body, { status: 403 });
  sit();
  await settled();
  clock.advance(60_000);
  await settled();
  assert.deepEqual(phases, ["connecting", "over: not-invited"]);
  assert.equal(asked.length, 1);
});

test("the stage answers commands by id, and unanswered ones fail when the connection is lost", async () => {
  sit();
  const peer = await seated();
  const one = seat.command({ do: "live" });
  const two = seat.command({ do: "end" });
  const three = seat.command({ do: "leave" });
  peer.channel.say({ kind: "done", id: 1, seq: 7 });
  peer.channel.say({ kind: "refused", id: 2, error: "host-only", message: "no" });
  assert.equal(await one, 7);
  await assert.rejects(two, (error) => error instanceof Refusal && error.code === "host-only");
  const lost = assert.rejects(three, (error) => error instanceof Refusal && error.code === "stage-away");
  peer.channel.onclose?.();
  await settled();
  await lost;
});

test("names its call while it has one, as the answer does", async () => {
  answer = () => new Response("answer", { status: 201, headers: { location: "/stage/0123456789/the-call" } });
  sit();
  assert.equal(seat.callId, undefined);
  await seated();
  assert.equal(seat.callId, "the-call");
});

test("does not reconnect after the stage's bye", async () => {
  sit();
  const peer = await seated();
  peer.channel.say({ kind: "bye", why: "replaced" });
  await settled();
  clock.advance(60_000);
  await settled();
  assert.deepEqual(phases, ["connecting", "seated", "over: replaced"]);
  assert.equal(FakePeer.all.length, 1);
});
