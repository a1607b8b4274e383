// Simulates a bad network between one speaker and the stage: it proxies the signalling so that the peers connect
// through it, then drops some of the speaker's sound packets. STUN, DTLS and RTCP pass.

import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Loss } from "./packet-loss.ts";

export interface LossyWay extends AsyncDisposable {
  /** For one speaker, instead of the stage's own URL. */
  readonly stageUrl: string;
  /** Starts to drop packets. */
  begin(): void;
  readonly sent: number;
  readonly lost: number;
}

const HOST = "127.0.0.1";
const CANDIDATE = /^(a=candidate:\S+ \d+ UDP \d+ )(\S+) (\d+) (.*)$/im;

export async function openLossyWay(stageUrl: string, isLost: Loss): Promise<LossyWay> {
  const socket = createSocket("udp4").bind(0, HOST);
  await once(socket, "listening");
  const counts = { sent: 0, lost: 0, isLossy: false };
  let stagePort: number | undefined;
  let speaker: RemoteInfo | undefined;
  socket.on("message", (bytes, from) => {
    if (from.port === stagePort) {
      if (speaker) socket.send(bytes, speaker.port, speaker.address);
      return;
    }
    speaker = from;
    if (counts.isLossy && isSound(bytes)) {
      counts.sent += 1;
      if (isLost(counts.sent - 1)) {
        counts.lost += 1;
        return;
      }
    }
    if (stagePort !== undefined) socket.send(bytes, stagePort, HOST);
  });

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Without its candidates, the stage can reach the speaker only through this proxy.
    const offer = (await text(request)).replaceAll(/^a=candidate:.*\r?\n/gm, "");
    const answered = await fetch(stageUrl + (request.url ?? ""), {
      method: request.method ?? "POST",
      headers: { "content-type": "application/sdp", authorization: String(request.headers.authorization) },
      body: offer,
    });
    const answer = await answered.text();
    stagePort = Number(CANDIDATE.exec(answer)?.[3] ?? stagePort);
    const { port } = socket.address();
    response.writeHead(answered.status, { "content-type": answered.headers.get("content-type") ?? "text/plain" });
    response.end(answer.replace(new RegExp(CANDIDATE, "gim"), `$1${HOST} ${port} $4`));
  }

  const server = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy());
  }).listen(0, HOST);
  await once(server, "listening");
  return {
    stageUrl: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    begin() {
      counts.isLossy = true;
    },
    get sent() {
      return counts.sent;
    },
    get lost() {
      return counts.lost;
    },
    async [Symbol.asyncDispose]() {
      socket.close();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** SRTP, and not SRTCP (RFC 7983 §7, RFC 5761 §4). */
function isSound(bytes: Uint8Array): boolean {
  const [first = 0, second = 0] = bytes;
  return first >= 128 && first < 192 && (second < 192 || second > 223);
}
