// Owns frames that many get together, such as a new count of the audience and the sound behind it, as one run of bytes: a
// write of several costs the kernel and Node twice a write of one. Refuses to know who gets them. Bounded: the newest few.

interface Joined {
  readonly frames: readonly Buffer[];
  /** Made when the same frames come again: what only one listener gets is not copied. */
  bytes: Buffer | undefined;
}

const MAX_JOINED = 4;
const MAX_BYTES = 64 * 1024;

export class JoinedFrames {
  readonly #newest: Joined[] = [];

  /** The bytes of `frames`, one after another; `undefined` where they come for the first time, or are long. */
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
