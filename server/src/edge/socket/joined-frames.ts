// Joins frames that many listeners get together, such as a new audience count and the sound after it: one write of
// several buffers costs the kernel and Node twice as much as a write of one. Keeps the newest few groups.

interface Joined {
  readonly frames: readonly Buffer[];
  /** Made when the group is written a second time: frames for one listener are not copied. */
  bytes: Buffer | undefined;
}

const MAX_JOINED = 4;
const MAX_BYTES = 64 * 1024;

export class JoinedFrames {
  readonly #newest: Joined[] = [];

  /** The bytes of `frames`, one after another; `undefined` for a group that is new or too long. */
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
