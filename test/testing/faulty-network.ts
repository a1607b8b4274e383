// Proxies that fail on demand: one for TCP that can be cut and restored, and one for WHIP and UDP that loses packets.

import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface CuttableProxy extends AsyncDisposable {
  readonly url: string;
  /** Stops all bytes in both directions without closing anything, as when a phone leaves the network. */
  cut(): void;
  /** Resets the connections from before the cut, and forwards new ones. */
  restore(): void;
}

/** Starts a proxy to `target`, an http URL on this machine. */
export async function openCuttableProxy(target: string): Promise<CuttableProxy> {
  const { hostname, port } = new URL(target);
  const ends = new Set<Socket>();
  let isCut = false;
  const server = createServer({ pauseOnConnect: true }, (near) => {
    const far = connect(Number(port), hostname);
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      ends.add(from);
      from.on("data", (bytes) => void to.write(bytes));
      from.on("error", () => {});
      from.on("close", () => {
        ends.delete(from);
        if (!isCut) to.destroy();
      });
      if (isCut) from.pause();
      else from.resume();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      isCut = true;
      for (const end of ends) end.pause();
    },
    restore() {
      isCut = false;
      for (const end of ends) end.resetAndDestroy();
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const end of ends) end.destroy();
      await once(server, "close");
    },
  };
}

export interface LossyStageProxy extends AsyncDisposable {
  /** Address for the offer. */
  readonly whipUrl: string;
  /** Packets of sound forwarded and lost until now. */
  readonly counts: { passed: number; lost: number };
}

/** Starts a proxy to a stage. `isLost` decides for every packet of sound from the speaker, by its number from 0. */
export async function openLossyStageProxy(
  whipUrl: string,
  isLost: (packet: number) => boolean,
): Promise<LossyStageProxy> {
  const counts = { passed: 0, lost: 0 };
  const near = await boundSocket();
  const far = await boundSocket();
  let stagePort = 0;
  let speakerPort = 0;
  near.on("message", (bytes, { port }) => {
    speakerPort = port;
    if (isSound(bytes) && isLost(counts.passed + counts.lost)) counts.lost += 1;
    else {
      if (isSound(bytes)) counts.passed += 1;
      far.send(bytes, stagePort, "127.0.0.1");
    }
  });
  far.on("message", (bytes) => near.send(bytes, speakerPort, "127.0.0.1"));
  const http = createHttpServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { authorization = "" } = request.headers;
    const answered = await fetch(whipUrl, {
      method: "POST",
      headers: { "content-type": "application/sdp", authorization },
      body: Buffer.concat(parts)
        .toString()
        .replace(/^a=candidate:.*\r?\n/gm, ""),
    });
    const answer = await answered.text();
    stagePort = Number(/^a=candidate:\S+ 1 UDP \d+ 127\.0\.0\.1 (\d+)/im.exec(answer)?.[1]);
    const ours = answer.replace(/^(a=candidate:\S+ 1 UDP \d+ 127\.0\.0\.1) \d+/gim, `$1 ${near.address().port}`);
    response.writeHead(answered.status, { "content-type": "application/sdp" }).end(ours);
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return {
    whipUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`,
    counts,
    async [Symbol.asyncDispose]() {
      for (const socket of [near, far]) socket.close();
      http.closeAllConnections();
      http.close();
      await once(http, "close");
    },
  };
}

/** True for SRTP, false for SRTCP, STUN and DTLS (RFC 7983, RFC 5761 §4). */
function isSound(bytes: Uint8Array): boolean {
  const [first = 0, second = 0] = bytes;
  return first >= 128 && first <= 191 && (second < 192 || second > 223);
}

async function boundSocket(): Promise<UdpSocket> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}
