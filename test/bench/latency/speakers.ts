// Measures how late one speaker hears another: one speaks chirps, which are found in the other's mix-minus.

import { systemClock } from "../../../flow/clock.ts";
import { startPacer } from "../../../flow/pacer.ts";
import { loadOpus } from "../../../media/codec/opus.ts";
import { parseRtp } from "../../../media/speech/rtp.ts";
import { createUplink } from "../../../media/speech/uplink.ts";
import { speakPackets } from "../../../speaker/node/voice-file.ts";
import { PACKET_MS, PACKET_SAMPLES } from "../../../wire/units.ts";
import { startServer } from "../../testing/running-server.ts";
import type { Bench, Figure } from "../report/figures.ts";
import { quantile } from "../report/statistics.ts";
import { seatGuest, seatHost } from "../stage/seats.ts";
import { latenessesMs, type Recording, silentPackets, startChirping } from "./chirp-latency.ts";

const AT_MOST_MS = 150;
const OPUS_PAYLOAD_TYPE = 111;

export const speakers: Bench = {
  name: "speakers",
  async run({ isQuick, pause }) {
    await using server = await startServer({ edges: 1 });
    const space = await server.create("Two who talk");
    const ear = await openEar();
    const ann = await seatHost(server, space);
    const ben = await seatGuest(server, space, "Ben", { onPacket: ear.take });
    using chirping = await startChirping((packet) => void ann.sendPacket(packet));
    const silence = speakPackets(await silentPackets(), (packet) => void ben.sendPacket(packet), { loops: true });
    await pause(2_000);
    ear.begin();
    await pause(isQuick ? 8_000 : 20_000);
    silence.cancel();
    const { played, arrived } = ear.end();
    for (const speaker of [ann, ben]) speaker.close();
    return [
      ...figuresOf("speaker to speaker, as packets arrive", latenessesMs(arrived, chirping.mouthMsOf), {}),
      ...figuresOf(
        "speaker to speaker, after a browser-like playout buffer",
        latenessesMs(played, chirping.mouthMsOf),
        {
          atMost: AT_MOST_MS,
        },
      ),
    ];
  },
};

function figuresOf(what: string, all: readonly (number | undefined)[], budget: Partial<Figure>): Figure[] {
  const heard = all.filter((ms) => ms !== undefined);
  if (heard.length < all.length / 2) throw new Error(`${heard.length} of ${all.length} chirps were heard`);
  const note = `${heard.length} of ${all.length} chirps`;
  return [
    { what: `${what}, p50`, value: quantile(heard, 0.5), unit: "ms", note },
    { what: `${what}, p95`, value: quantile(heard, 0.95), unit: "ms", ...budget },
  ];
}

interface Ear {
  take(rtp: Uint8Array): void;
  begin(): void;
  /** Sound since `begin`: as packets arrived, and after a playout buffer like ours. */
  end(): { readonly arrived: Recording; readonly played: Recording };
}

async function openEar(): Promise<Ear> {
  const opus = await loadOpus();
  const uplink = createUplink({ opus, opusPayloadType: OPUS_PAYLOAD_TYPE });
  const decoder = opus.decoder();
  const pieces: { readonly place: number; readonly arrivalMs: number; readonly pcm: Float32Array }[] = [];
  const frames = new Map<number, Float32Array>();
  const startMs = systemClock.monotonicMs();
  const ticks = startPacer(systemClock, PACKET_MS, (n) => frames.set(n, uplink.tick(systemClock.monotonicMs()).pcm));
  let firstTimestamp: number | undefined;
  let beganMs = 0;

  function take(rtp: Uint8Array): void {
    const arrivalMs = systemClock.monotonicMs();
    uplink.receive(rtp, arrivalMs);
    const packet = parseRtp(rtp);
    if (packet.kind === "fault" || packet.payloadType !== OPUS_PAYLOAD_TYPE) return;
    firstTimestamp ??= packet.timestamp;
    const place = (packet.timestamp - firstTimestamp) >>> 0;
    pieces.push({ place, arrivalMs, pcm: decoder.decode(packet.payload) });
  }

  return {
    take,
    begin() {
      beganMs = systemClock.monotonicMs();
    },
    end() {
      ticks.cancel();
      decoder[Symbol.dispose]();
      uplink[Symbol.dispose]();
      const fromTick = Math.ceil((beganMs - startMs) / PACKET_MS);
      const played = new Float32Array((Math.max(...frames.keys()) + 1 - fromTick) * PACKET_SAMPLES);
      for (const [n, pcm] of frames) if (n >= fromTick) played.set(pcm, (n - fromTick) * PACKET_SAMPLES);
      return {
        played: { pcm: played, beganMs: startMs + fromTick * PACKET_MS },
        arrived: asTheyCame(pieces.filter(({ arrivalMs }) => arrivalMs >= beganMs)),
      };
    },
  };
}

/** Joins packets in order, timed by the packet with the median delay. */
function asTheyCame(
  pieces: readonly { readonly place: number; readonly arrivalMs: number; readonly pcm: Float32Array }[],
): Recording {
  const first = pieces[0]?.place ?? 0;
  const last = pieces.at(-1)?.place ?? 0;
  const pcm = new Float32Array(last - first + PACKET_SAMPLES);
  for (const piece of pieces) if (piece.place >= first) pcm.set(piece.pcm, piece.place - first);
  const began = pieces.map(({ place, arrivalMs }) => arrivalMs - (place - first) / 48);
  return { pcm, beganMs: quantile(began, 0.5) };
}
