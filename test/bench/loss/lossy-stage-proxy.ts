// Owns a bad network between one speaker and the stage: it stands in the way of the signalling, so that the peers meet
// through it, and drops what a loss says of the speaker's sound. Refuses to touch anything else: STUN, DTLS, RTCP pass.

import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Loss } from "./packet-loss.ts";

export interface LossyWay extends AsyncDisposable {
  /** In place of the stage's own, for one speaker. */
  readonly stageUrl: string;
  /** From now on packets are lost; before, none is. */
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
    // Without its candidates the speaker is only found by coming this way.
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
