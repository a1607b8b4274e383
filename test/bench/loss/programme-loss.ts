// Measures end to end how packet loss between a speaker and the stage affects the programme: a real peer behind a lossy
// network, the stage, the log, an edge, and a listener's decoded sound, compared with the source.

import { startHeadlessListener } from "../../../listener/headless/headless.ts";
import { loadOpus, type Opus, type OpusEncoder } from "../../../media/codec/opus.ts";
import { presence } from "../../../media/measure/correlate.ts";
import { speakPackets } from "../../../speaker/node/voice-file.ts";
import { ROUTES } from "../../../wire/routes.ts";
import { PACKET_SAMPLES } from "../../../wire/units.ts";
import { voicePcm } from "../../testing/browser/browser.ts";
import { type RunningServer, startServer } from "../../testing/running-server.ts";
import { voice } from "../../testing/voices.ts";
import type { Bench, BenchContext, Figure } from "../report/figures.ts";
import { seatHost } from "../stage/seats.ts";
import { type LossyWay, openLossyWay } from "./lossy-stage-proxy.ts";
import { bursts, type Loss, randomLoss } from "./packet-loss.ts";

const PIECE_MS = 500;
const CASES: readonly (readonly [name: string, isLost: () => Loss])[] = [
  ["no loss", () => () => false],
  ["10 % lost at random", () => randomLoss(0.1, 1)],
  ["5 % lost in bursts of three", () => bursts(0.05, 3, 1)],
];

export const programmeLoss: Bench = {
  name: "programme",
  async run(context) {
    await using server = await startServer({ edges: 1 });
    const speech = await voicePcm(voice("anna"));
    const packets = await withFec(speech);
    return await Promise.all(
      CASES.map(async ([name, lossOf]): Promise<Figure> => {
        await using way = await openLossyWay(server.stageUrl, lossOf());
        const heard = await programmeOf(server, way, packets, context);
        const { meanScore, found, pieces } = presence(heard, speech, { pieceMs: PIECE_MS });
        const lost = `${way.lost} of ${way.sent} packets lost`;
        const note = `Opus with FEC, in RED; ${lost}; ${(found * 100).toFixed(0)} % of ${pieces.length} pieces found`;
        return { what: `correlation of programme and source, ${name}`, value: meanScore, unit: "", note };
      }),
    );
  },
};

/** Encodes as a sender does after it has been informed of loss. */
async function withFec(speech: Float32Array): Promise<Uint8Array[]> {
  const opus: Opus = await loadOpus();
  using encoder: OpusEncoder = opus.encoder({ bitrateBps: 40_000, inbandFec: true, expectedLossPercent: 10 });
  const packets: Uint8Array[] = [];
  for (let at = 0; at + PACKET_SAMPLES <= speech.length; at += PACKET_SAMPLES)
    packets.push(encoder.encode(speech.slice(at, at + PACKET_SAMPLES)));
  return packets;
}

async function programmeOf(
  server: RunningServer,
  way: LossyWay,
  packets: readonly Uint8Array[],
  { pause, isQuick }: BenchContext,
): Promise<Float32Array> {
  const opus = await loadOpus();
  using decoder = opus.decoder();
  const space = await server.create("A bad line");
  const host = await seatHost({ doorUrl: server.doorUrl, stageUrl: way.stageUrl }, space);
  const speaking = speakPackets(packets, (packet) => void host.sendPacket(packet), { loops: true });
  await pause(2_000);
  way.begin();
  await pause(1_500);
  const frames: Float32Array[] = [];
  const hear = (heard: readonly Uint8Array[]) => void frames.push(...heard.map((packet) => decoder.decode(packet)));
  const listener = startHeadlessListener({
    url: server.doorUrl.replace(/^http/, "ws") + ROUTES.listen(space.id),
    sink: { sound: (_, heard) => hear(heard), absent: () => undefined, break: () => undefined },
  });
  await pause(isQuick ? 9_000 : 17_000);
  listener.stop();
  speaking.cancel();
  host.close();
  const pcm = new Float32Array(frames.length * PACKET_SAMPLES);
  for (const [n, frame] of frames.entries()) pcm.set(frame, n * PACKET_SAMPLES);
  return pcm;
}
