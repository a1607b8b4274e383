// Packets that wait to be played, by position (unwrapped timestamp, in samples), and the positions already played.

export interface BufferedPacket {
  readonly position: number;
  readonly opus: Uint8Array;
  readonly durationSamples: number;
  readonly redundant: boolean;
  /** A change of delay is not heard here. */
  readonly quiet: boolean;
}

/** When full, the oldest packet is dropped. */
const MAX_BUFFERED_PACKETS = 256;
const REMEMBERED_POSITIONS = 128;

export class PacketBuffer {
  readonly #queue: BufferedPacket[] = [];
  readonly #played = new Set<number>();

  get first(): BufferedPacket | undefined {
    return this.#queue[0];
  }

  get second(): BufferedPacket | undefined {
    return this.#queue[1];
  }

  /** "duplicate": an equally good copy is there. "overflow": the packet was added and the oldest dropped. */
  add(packet: BufferedPacket): "added" | "duplicate" | "overflow" {
    let index = this.#queue.length;
    while (index > 0 && (this.#queue[index - 1]?.position ?? 0) >= packet.position) index -= 1;
    const there = this.#queue[index];
    if (there?.position === packet.position) {
      if (packet.redundant || !there.redundant) return "duplicate";
      this.#queue[index] = packet;
      return "added";
    }
    this.#queue.splice(index, 0, packet);
    if (this.#queue.length <= MAX_BUFFERED_PACKETS) return "added";
    this.#queue.shift();
    return "overflow";
  }

  /** Removes the first packet and those that it overlaps. Returns its end. */
  takeFirst(): number | undefined {
    const taken = this.#queue.shift();
    if (taken === undefined) return undefined;
    const end = taken.position + taken.durationSamples;
    while (this.#queue[0] !== undefined && this.#queue[0].position < end) this.#queue.shift();
    this.#remember(taken.position);
    return end;
  }

  /** Always keeps the last packet. Returns how many were dropped. */
  dropBefore(position: number): number {
    let dropped = 0;
    while (this.#queue.length > 1 && (this.#queue[0]?.position ?? position) < position) {
      this.#queue.shift();
      dropped += 1;
    }
    return dropped;
  }

  /** Whether it is one of the last 128 packets played. */
  wasPlayed(position: number): boolean {
    return this.#played.has(position);
  }

  get anyPlayed(): boolean {
    return this.#played.size > 0;
  }

  clear(): void {
    this.#queue.length = 0;
    this.#played.clear();
  }

  #remember(position: number): void {
    this.#played.add(position);
    if (this.#played.size <= REMEMBERED_POSITIONS) return;
    for (const oldest of this.#played) {
      this.#played.delete(oldest);
      return;
    }
  }
}
