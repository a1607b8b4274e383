// Measures bytes on the wire per byte of Opus: counted at a listener's socket, with TCP and IP estimated.

import { WebSocket } from "ws";
import { decodeFrame, SUBPROTOCOL } from "../../../wire/listen/frames.ts";
import { ROUTES } from "../../../wire/routes.ts";
import { goOnAir } from "../../testing/on-air.ts";
import { startServer } from "../../testing/running-server.ts";
import { voice } from "../../testing/voices.ts";
import type { Bench, BenchContext, Figure } from "../report/figures.ts";
import { startEdgeProcess } from "./edge-process.ts";

const AT_MOST = 1.05;
/** TCP payload of an Ethernet frame, and the IPv4 and TCP headers (with timestamps) before it. */
const SEGMENT_BYTES = 1_448;
const SEGMENT_HEADER_BYTES = 52;

export const wireBytes: Bench = {
  name: "wire",
  async run(context) {
    await using server = await startServer({ edges: 1 });
    using onAir = await goOnAir(server, "Bytes", voice("anna"));
    await context.pause(2_000);
    const figures: Figure[] = [];
    for (const cadenceMs of [200, 1_000]) {
      await using edge = await startEdgeProcess(server, cadenceMs);
      const url = `ws://127.0.0.1:${edge.port}${ROUTES.listen(onAir.space.id)}`;
      figures.push(...figuresOf(await count(url, context), cadenceMs));
    }
    return figures;
  },
};

interface Counts {
  readonly packetBytes: number;
  readonly frameBytes: number;
  readonly segments: number;
  readonly seconds: number;
}

/** Counts for `seconds`, after the first flight. */
async function count(url: string, { isQuick, pause }: BenchContext): Promise<Counts> {
  const counts = { packetBytes: 0, frameBytes: 0, segments: 0, seconds: isQuick ? 5 : 8 };
  let isCounting = false;
  const socket = new WebSocket(url, SUBPROTOCOL);
  const opened = new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  socket.on("message", (bytes: Buffer) => {
    if (!isCounting) return;
    const frame = decodeFrame(bytes);
    const framed = bytes.length + (bytes.length < 126 ? 2 : bytes.length < 65_536 ? 4 : 10);
    counts.frameBytes += framed;
    counts.segments += Math.ceil(framed / SEGMENT_BYTES);
    const packets = frame?.kind === "sound" ? frame.fragments.flatMap((fragment) => fragment.packets) : [];
    for (const packet of packets) counts.packetBytes += packet.length;
  });
  await opened;
  await pause(2_000);
  isCounting = true;
  await pause(counts.seconds * 1_000);
  socket.terminate();
  return counts;
}

function figuresOf({ packetBytes, frameBytes, segments, seconds }: Counts, cadenceMs: number): Figure[] {
  const at = `${cadenceMs / 1_000} s cadence`;
  const kbps = ((packetBytes * 8) / seconds / 1_000).toFixed(1);
  return [
    {
      what: `WebSocket bytes ÷ Opus packet bytes, ${at}`,
      value: frameBytes / packetBytes,
      unit: "×",
      spread: `${seconds} s of speech`,
      ...(cadenceMs === 1_000 ? { atMost: AT_MOST } : {}),
      note: `payload and headers of all frames; the packets are ${kbps} kb/s`,
    },
    {
      what: `bytes with TCP and IP headers ÷ Opus packet bytes, ${at}`,
      value: (frameBytes + segments * SEGMENT_HEADER_BYTES) / packetBytes,
      unit: "×",
      spread: "estimate",
      note: `${SEGMENT_HEADER_BYTES} bytes for every ${SEGMENT_BYTES} or part of them; acknowledgements from the listener are not counted`,
    },
  ];
}
