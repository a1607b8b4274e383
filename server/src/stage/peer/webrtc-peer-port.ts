// PeerPort with WebRTC (node-datachannel): all speakers share one UDP port.

import { isIP } from "node:net";
import { Refusal } from "@hustings/wire/errors.ts";
import nodeDataChannel from "node-datachannel";
import { type Connection, openConnection } from "./peer-connection.ts";
import type { Peer, PeerEvents, PeerPort } from "./peer-port.ts";
import { decidePeer } from "./peer-quota.ts";
import { type Candidate, readOffer } from "./sdp.ts";

const SWEEP_MS = 250;
const DEFAULT_MAX_PEERS = 400;
/** One address has at most this fraction of the peers. */
const ADDRESSES_FOR_ALL = 4;
const FULL_RETRY_MS = 2_000;

export interface PeerPortOptions {
  readonly udpPort: number;
  /** Absent: every address. */
  readonly bindAddress?: string;
  /** First in every answer, for NAT and containers. */
  readonly publicAddress?: string;
  /** Servers by which the stage finds its own addresses; rarely needed. */
  readonly iceServers?: readonly string[];
  readonly maxPeers?: number;
  readonly now: () => number;
}

export class UdpPortTaken extends Error {
  override readonly name = "UdpPortTaken";
}

/** Bound until disposed. Throws `UdpPortTaken`, and RangeError for a bad public address. */
export function startPeerPort(options: PeerPortOptions): PeerPort {
  const { publicAddress, bindAddress, udpPort } = options;
  if (publicAddress !== undefined && isIP(publicAddress) === 0) {
    throw new RangeError(`The public address ${JSON.stringify(publicAddress)} is not an IP address.`);
  }
  const listener = bindPort(udpPort, bindAddress);
  const connections = new Set<Connection>();
  const timer = setInterval(createSweep(connections, options.now), SWEEP_MS);
  timer.unref();
  const maxPeers = options.maxPeers ?? DEFAULT_MAX_PEERS;
  const quota = { maxPeers, maxPerAddress: Math.ceil(maxPeers / ADDRESSES_FOR_ALL) };
  let isOpen = true;

  async function accept(offerSdp: string, events: PeerEvents, from?: string): Promise<Peer> {
    const offer = readOffer(offerSdp);
    if (!isOpen) throw new Refusal("draining", "The stage is closing.");
    const decision = decidePeer(connections, from, quota, options.now());
    if (!decision.takes) throw new Refusal(decision.code, undefined, { retryAfterMs: FULL_RETRY_MS });
    decision.displaced?.giveWay();
    const connection = openConnection(offer, events, {
      ...(bindAddress === undefined ? {} : { bindAddress }),
      udpPort,
      iceServers: options.iceServers ?? [],
      now: options.now,
      reachable: (found) => reachableCandidates(found, options),
      onEnd: () => connections.delete(connection),
      from,
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

/** Keeps the port bound without peers; fails at the start if it is taken. */
function bindPort(udpPort: number, bindAddress: string | undefined): { stop(): void } {
  quietLibrary();
  try {
    return new nodeDataChannel.IceUdpMuxListener(udpPort, bindAddress);
  } catch (cause) {
    throw new UdpPortTaken(`UDP port ${udpPort} is taken or not permitted.`, { cause });
  }
}

/**
 * The library's ICE prints until its first transport exists, so this makes one, without a socket. Not with a channel:
 * one that never opened keeps the process alive.
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

/** A late round checks nobody: packets may be waiting behind it. */
function createSweep(connections: ReadonlySet<Connection>, now: () => number): () => void {
  let lastMs = now();
  return () => {
    const nowMs = now();
    const isLate = nowMs - lastMs > SWEEP_MS * 2;
    lastMs = nowMs;
    if (!isLate) for (const connection of [...connections]) connection.check(nowMs);
  };
}

/** The public address, then those found; loopback if there are no others. */
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
