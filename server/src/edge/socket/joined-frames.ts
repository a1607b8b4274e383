// Joins frames that many listeners get together: one write of several buffers costs twice a write of one.

interface Joined {
  readonly frames: readonly Buffer[];
  bytes: Buffer | undefined;
}

const MAX_JOINED = 4;
const MAX_BYTES = 64 * 1024;

export class JoinedFrames {
  readonly #newest: Joined[] = [];

  /** `undefined`: a new or too long group. */
  join(frames: readonly Buffer[]): Buffer | undefined {
    const known = this.#newest.find((one) => isSame(one.frames, frames));
    if (known) {
      known.bytes ??= Buffer.concat(frames);
      return known.bytes;
    }
    if (frames.reduce((bytes, { length }) => bytes + length, 0) > MAX_BYTES) return undefined;
    this.#newest.unshift({ frames, bytes: undefined });
    if (this.#newest.length > MAX_JOINED) this.#newest.pop();
    return undefined;
  }
}

function isSame(a: readonly Buffer[], b: readonly Buffer[]): boolean {
  return a.length === b.length && a.every((frame, i) => frame === b[i]);
}
