// Owns the stage's door for speakers: one UDP port, and the peers that live on it. Refuses to know seats, codecs and
// what messages mean. The WebRTC library is imported in `peer*` files alone.

import { isIP } from "node:net";
import { Refusal } from "@hustings/wire/errors.ts";
import nodeDataChannel from "node-datachannel";
import { type Connection, openConnection } from "./peer-connection.ts";
import type { Peer, PeerEvents, PeerPort } from "./peer-port.ts";
import { type Candidate, readOffer } from "./sdp.ts";

/** How often every peer is looked at, for silence, deadlines and reports. */
const SWEEP_MS = 250;
const DEFAULT_MAX_PEERS = 400;

export interface PeerPortOptions {
  readonly udpPort: number;
  /** The address to listen on; every address when absent. */
  readonly bindAddress?: string;
  /** An IP address that speakers can reach this port at: put first in every answer (NAT, containers). */
  readonly publicAddress?: string;
  /** STUN and TURN URLs by which the stage finds addresses of its own; seldom needed. */
  readonly iceServers?: readonly string[];
  readonly maxPeers?: number;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** The UDP port cannot be had. */
export class UdpPortTaken extends Error {
  override readonly name = "UdpPortTaken";
}

/** Takes the UDP port and holds it until disposed. Throws `UdpPortTaken`; throws RangeError for a bad address. */
export function startPeerPort(options: PeerPortOptions): PeerPort {
  const { publicAddress, bindAddress, udpPort } = options;
  if (publicAddress !== undefined && isIP(publicAddress) === 0) {
    throw new RangeError(`The public address ${JSON.stringify(publicAddress)} is not an IP address.`);
  }
  const listener = takePort(udpPort, bindAddress);
  const connections = new Set<Connection>();
  const timer = setInterval(sweeper(connections, options.now), SWEEP_MS);
  timer.unref();
  let isOpen = true;

  async function accept(offerSdp: string, events: PeerEvents): Promise<Peer> {
    const offer = readOffer(offerSdp);
    if (!isOpen) throw new Refusal("draining", "The stage is closing.");
    if (connections.size >= (options.maxPeers ?? DEFAULT_MAX_PEERS)) throw new Refusal("full");
    const connection = openConnection(offer, events, {
      ...(bindAddress === undefined ? {} : { bindAddress }),
      udpPort,
      iceServers: options.iceServers ?? [],
      now: options.now,
      reachable: (found) => reachableCandidates(found, options),
      onOver: () => connections.delete(connection),
    });
    connections.add(connection);
    return connection.answered;
  }

  return {
    udpPort,
    get peerCount() {
      return connections.size;
    },
    accept,
    async [Symbol.asyncDispose]() {
      if (!isOpen) return;
      isOpen = false;
      clearInterval(timer);
      for (const connection of [...connections]) connection.close();
      listener.stop();
    },
  };
}

/** Holding a listener keeps the port ours while nobody speaks, and shows at once that it is taken. */
function takePort(udpPort: number, bindAddress: string | undefined): { stop(): void } {
  quietLibrary();
  try {
    return new nodeDataChannel.IceUdpMuxListener(udpPort, bindAddress);
  } catch (cause) {
    throw new UdpPortTaken(`UDP port ${udpPort} is taken or may not be used.`, { cause });
  }
}

/**
 * The library's ICE part writes to standard output until its first transport is made; this one has no socket. It has a
 * track and no channel, for a channel that never opened is never told closed and keeps the process alive.
 */
function quietLibrary(): void {
  const quiet = new nodeDataChannel.PeerConnection("quiet", { iceServers: [], disableAutoGathering: true });
  quiet.onStateChange(() => void quiet);
  const audio = new nodeDataChannel.Audio("0", "RecvOnly");
  audio.addOpusCodec(111);
  const track = quiet.addTrack(audio);
  track.onClosed(() => void track);
  quiet.setLocalDescription("offer");
  setImmediate(() => quiet.close());
}

/** Looks at every peer; a round that itself comes late judges nobody, for their packets may be waiting behind it. */
function sweeper(connections: ReadonlySet<Connection>, now: () => number): () => void {
  let lastMs = now();
  return () => {
    const nowMs = now();
    const isLate = nowMs - lastMs > SWEEP_MS * 2;
    lastMs = nowMs;
    if (!isLate) for (const connection of [...connections]) connection.look(nowMs);
  };
}

/** The candidates of an answer: the public address first, then what was found, and loopback when that is all there is. */
export function reachableCandidates(
  found: readonly Candidate[],
  options: Pick<PeerPortOptions, "publicAddress" | "bindAddress" | "udpPort">,
): Candidate[] {
  const { publicAddress, udpPort: port } = options;
  const own: Candidate[] =
    publicAddress === undefined ? [] : [{ address: publicAddress, port, type: "host", priority: 2_130_706_431 }];
  const others = found.filter((candidate) => candidate.address !== publicAddress);
  const all = [...own, ...others];
  return all.length > 0 ? all : [{ address: "127.0.0.1", port, type: "host", priority: 2_122_260_223 }];
}
