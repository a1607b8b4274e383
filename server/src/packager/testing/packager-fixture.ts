// Two running packagers for tests, which follow the same stage in memory on a manual clock and answer on their sockets.

import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { manualClock } from "@hustings/flow/testing/manual-clock.ts";
import { loadOpus } from "@hustings/media/codec/opus.ts";
import { AAC_FRAME_SAMPLES } from "@hustings/media/container/aac.ts";
import { encodeFragment } from "@hustings/wire/log/fragment-encode.ts";
import { PACKET_SAMPLES, RENDITIONS, SLOT_SAMPLES } from "@hustings/wire/units.ts";
import { SILENT } from "../../ops/logger.ts";
import { fakeStage, SPACE } from "../../replica/testing/fake-upstream.ts";
import { type AacEncoder, startAacEncoder } from "../encoder.ts";
import { type PackagerOptions, startPackager } from "../packager.ts";

export interface FixtureOptions extends Pick<PackagerOptions, "maxWaiting"> {
  /** The sound of the space: whole slots, repeated; absent: silence. */
  readonly sound?: Float32Array;
  /** Slots that exist at the start. */
  readonly slots: number;
  /** Instead of the real one. */
  readonly encoder?: AacEncoder;
}

export interface PackagerAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export type Name = "one" | "other";

export async function startFixture({ sound = new Float32Array(SLOT_SAMPLES), slots, ...options }: FixtureOptions) {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "packager-"));
  starting.defer(() => rm(folder, { recursive: true }));
  const clock = manualClock();
  const stage = fakeStage(clock);
  const log = await stage.create(SPACE);
  const voice = starting.use(await startVoice(sound));
  const speak = (slot: number): void => {
    const bytes = encodeFragment({ slot, levels: [{ seat: 0, levelDbov: 20 }], packets: voice.packetsOf(slot) });
    for (const rendition of RENDITIONS) log.appendSound(rendition, slot, bytes);
  };
  for (let slot = 0; slot < slots; slot++) speak(slot);
  const encoder = options.encoder ?? starting.use(await startAacEncoder({ clock }));
  const of = { clock, upstream: stage, holdFile: undefined, version: "", log: SILENT, random: () => 0.5 };
  const start = async (name: Name): Promise<void> => {
    starting.use(await startPackager({ ...of, ...options, encoder, socketPath: join(folder, name) }));
  };
  await start("one");
  await start("other");
  const running = starting.move();
  return {
    ...{ clock, stage, log, speak },
    socketPath: join(folder, "one"),
    get: (name: Name, path: string, signal?: AbortSignal) =>
      get(join(folder, name), `/hls/${SPACE}/aac/${path}`, signal),
    /** Requests that wait for sound at the packager "one". */
    async waiting(): Promise<number> {
      const { body } = await get(join(folder, "one"), "/internal/health");
      return (JSON.parse(String(body)) as { readonly waiting: number }).waiting;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** An encoder that counts its runs, the first `failing` of which fail. Its frames are a hash of the samples. */
export function countingEncoder(failing = 0) {
  return {
    runs: 0,
    async encode(pcm: Float32Array) {
      this.runs++;
      if (this.runs <= failing) throw new Error("This one fails.");
      const digest = createHash("sha256").update(pcm).digest();
      return Array.from({ length: pcm.length / AAC_FRAME_SAMPLES + 1 }, (_, i) => Uint8Array.of(i, ...digest));
    },
  };
}

/** `sound`, repeated, as Opus. Slots must be requested in order. */
async function startVoice(sound: Float32Array) {
  const opus = await loadOpus();
  const encoder = opus.encoder({ bitrateBps: 32_000, tuning: "programme" });
  return {
    packetsOf: (slot: number) =>
      Array.from({ length: SLOT_SAMPLES / PACKET_SAMPLES }, (_, i) => {
        const at = (slot * SLOT_SAMPLES + i * PACKET_SAMPLES) % sound.length;
        return encoder.encode(sound.subarray(at, at + PACKET_SAMPLES)).slice();
      }),
    [Symbol.dispose]: () => encoder[Symbol.dispose](),
  };
}

function get(socketPath: string, path: string, signal?: AbortSignal): Promise<PackagerAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, agent: false, ...(signal ? { signal } : {}) }, (answer) => {
      const bytes: Buffer[] = [];
      answer.on("data", (some: Buffer) => void bytes.push(some));
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(bytes) }),
      );
    });
    asked.on("error", reject);
    asked.end();
  });
}
