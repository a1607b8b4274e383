// Owns the packets that wait to be played, in order of their places, and the memory of those that were.
// Refuses to know when anything is played.

export interface BufferedPacket {
  readonly position: number;
  readonly opus: Uint8Array;
  readonly durationSamples: number;
  readonly redundant: boolean;
  /** Nobody would hear a change of speed here. */
  readonly quiet: boolean;
}

/** Packets held, whatever their durations; the oldest go first. */
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

  /** "duplicate" when its place is taken by as good a copy; "overflow" when the oldest had to go for it. */
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

  /** Takes the first out as played, and with it what lies under its duration. Returns where it ends. */
  takeFirst(): number | undefined {
    const taken = this.#queue.shift();
    if (taken === undefined) return undefined;
    const end = taken.position + taken.durationSamples;
    while (this.#queue[0] !== undefined && this.#queue[0].position < end) this.#queue.shift();
    this.#remember(taken.position);
    return end;
  }

  /** Drops what lies before `place`, but for the last packet; returns how many. */
  dropBefore(position: number): number {
    let dropped = 0;
    while (this.#queue.length > 1 && (this.#queue[0]?.position ?? position) < position) {
      this.#queue.shift();
      dropped += 1;
    }
    return dropped;
  }

  /** Whether the packet of this place was played, among the last 128. */
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
